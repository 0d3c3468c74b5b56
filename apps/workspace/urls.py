"""Addresses of the pages for signed-in people."""

from __future__ import annotations

from django.urls import path

from .views import campaigns, imports, items, members, reports, review

app_name = "workspace"
urlpatterns = [
    path("", campaigns.campaign_list, name="campaigns"),
    path("new/", campaigns.new_campaign, name="new_campaign"),
    path("<slug:slug>/", campaigns.campaign, name="campaign"),
    path("<slug:slug>/members/", members.members, name="members"),
    path("<slug:slug>/members/<int:pk>/remove/", members.remove_member, name="remove_member"),
    path("<slug:slug>/review/", review.review_list, name="review"),
    path("<slug:slug>/review/<int:pk>/", review.decide, name="decide"),
    path("<slug:slug>/items/<int:pk>/", items.item, name="item"),
    path("<slug:slug>/items/<int:pk>/look-again/", items.look_again, name="look_again"),
    path("<slug:slug>/reports/new/", reports.new_report, name="new_report"),
    path("<slug:slug>/reports/<int:number>/", reports.report, name="report"),
    path("<slug:slug>/imports/new/", imports.upload, name="new_import"),
    path("<slug:slug>/imports/<int:pk>/", imports.show_import, name="import"),
    path("<slug:slug>/imports/<int:pk>/rejected.csv", imports.rejected, name="rejected"),
]
