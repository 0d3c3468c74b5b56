// Passkeys (WebAuthn): asks the browser for one, and sends what it says with the form. Without this script the
// button stays hidden, and the page says that scripts are needed.
"use strict";

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The site's wishes, with bytes where they came as text.
function readOptions({ publicKey }) {
  const options = { ...publicKey, challenge: toBytes(publicKey.challenge) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) options[list] = options[list].map((each) => ({ ...each, id: toBytes(each.id) }));
  }
  if (options.user) options.user = { ...options.user, id: toBytes(options.user.id) };
  return options;
}

// What the browser answered, with text where there were bytes.
function writeCredential(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

// A page brings the site's wishes along; the page for signing in asks for them, so that they are fresh.
async function askOptions(form) {
  const kept = document.getElementById("passkey-options");
  if (kept) return JSON.parse(kept.textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

async function makePasskey(form, options) {
  const alone = form.elements.passwordless.checked;
  options.authenticatorSelection = {
    ...options.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    userVerification: alone ? "required" : "preferred",
  };
  return navigator.credentials.create({ publicKey: options });
}

async function usePasskey(form) {
  const asked = await askOptions(form);
  const options = readOptions(asked.creation_options ?? asked.request_options);
  const credential = form.dataset.passkey === "add"
    ? await makePasskey(form, options)
    : await navigator.credentials.get({ publicKey: options });
  form.elements.credential.value = writeCredential(credential);
  form.submit();
}

function wordsFor(form, error) {
  if (error.name === "NotAllowedError" || error.name === "AbortError") return form.dataset.cancelled;
  if (error.name === "InvalidStateError") return form.dataset.known;
  if (error.name === "SecurityError") return form.dataset.refused;
  return `${form.dataset.cancelled} (${error.message})`;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const problem = form.querySelector(".problem");
  const button = form.querySelector("button[type=submit]");
  if (!window.PublicKeyCredential) {
    problem.textContent = window.isSecureContext ? form.dataset.unknown : form.dataset.refused;
    problem.hidden = false;
    continue;
  }
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    try {
      await usePasskey(form);
    } catch (error) {
      problem.textContent = wordsFor(form, error);
      problem.hidden = false;
    }
    button.disabled = false;
  });
}
