"""How `survival` works inside: the maximum likelihood estimate, its information, its confidence limits."""
