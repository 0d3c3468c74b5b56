"""Addresses of the pages for signed-in people."""

from __future__ import annotations

from django.urls import path

from .views import (
    board,
    campaigns,
    editions,
    errors,
    exports,
    figures,
    imports,
    items,
    members,
    publication,
    reminders,
    replies,
    reports,
    review,
    settings,
)

app_name = "workspace"
urlpatterns = [
    path("", campaigns.campaign_list, name="campaigns"),
    path("new/", campaigns.new_campaign, name="new_campaign"),
    path("definitions/", figures.definitions, name="definitions"),
    path("<slug:slug>/", campaigns.campaign, name="campaign"),
    path("<slug:slug>/figures/", figures.figures, name="figures"),
    path("<slug:slug>/charts/<slug:chart>.csv", figures.chart_csv, name="chart_csv"),
    path("<slug:slug>/export/", exports.export_page, name="export"),
    path("<slug:slug>/export/datapackage.json", exports.package, name="datapackage"),
    path("<slug:slug>/export/trusted-flagger/", exports.flagger_report, name="flagger_report"),
    path("<slug:slug>/export/trusted-flagger.csv", exports.flagger_csv, name="flagger_csv"),
    path("<slug:slug>/export/monitoring-round/", exports.round_page, name="round_report"),
    path("<slug:slug>/export/monitoring-round.csv", exports.round_file, name="round_csv"),
    path("<slug:slug>/export/<slug:table>.<slug:format>", exports.download, name="download"),
    path("<slug:slug>/board/", board.board, name="board"),
    path("<slug:slug>/settings/", settings.settings, name="settings"),
    path("<slug:slug>/publication/", publication.publication, name="publication"),
    path("<slug:slug>/editions/", editions.editions, name="editions"),
    path("<slug:slug>/members/", members.members, name="members"),
    path("<slug:slug>/members/<int:pk>/remove/", members.remove_member, name="remove_member"),
    path("<slug:slug>/review/", review.review_list, name="review"),
    path("<slug:slug>/review/<int:pk>/", review.decide, name="decide"),
    path("<slug:slug>/items/<int:pk>/", items.item, name="item"),
    path("<slug:slug>/items/<int:pk>/checks.csv", items.item_checks, name="item_checks"),
    path("<slug:slug>/items/<int:pk>/evidence.zip", exports.item_evidence, name="item_evidence"),
    path("<slug:slug>/items/<int:pk>/look-again/", items.look_again, name="look_again"),
    path("<slug:slug>/items/<int:pk>/in-error/", errors.item_error, name="item_error"),
    path(
        "<slug:slug>/items/<int:pk>/in-error/take-back/",
        errors.take_back_item_error,
        name="take_back_item_error",
    ),
    path("<slug:slug>/reports/new/", reports.new_report, name="new_report"),
    path("<slug:slug>/reports/<int:number>/", reports.report, name="report"),
    path("<slug:slug>/reports/<int:number>/evidence.zip", exports.report_evidence, name="report_evidence"),
    path("<slug:slug>/reports/<int:number>/replies/new/", replies.new_reply, name="new_reply"),
    path(
        "<slug:slug>/reports/<int:number>/replies/<int:pk>/take-back/",
        replies.take_back,
        name="take_back_reply",
    ),
    path("<slug:slug>/reports/<int:number>/reminder/", reminders.reminder, name="reminder"),
    path("<slug:slug>/reports/<int:number>/reminder.txt", reminders.reminder_file, name="reminder_file"),
    path("<slug:slug>/reports/<int:number>/reminder.csv", reminders.annex, name="reminder_annex"),
    path(
        "<slug:slug>/reports/<int:number>/reminders/<int:pk>/take-back/",
        reminders.take_back,
        name="take_back_reminder",
    ),
    path("<slug:slug>/reports/<int:number>/in-error/", errors.report_error, name="report_error"),
    path(
        "<slug:slug>/reports/<int:number>/in-error/take-back/",
        errors.take_back_report_error,
        name="take_back_report_error",
    ),
    path("<slug:slug>/imports/new/", imports.upload, name="new_import"),
    path("<slug:slug>/imports/<int:pk>/", imports.show_import, name="import"),
    path("<slug:slug>/imports/<int:pk>/rejected.csv", imports.rejected, name="rejected"),
]
