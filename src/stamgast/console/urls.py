"""The addresses of the console."""

from django.urls import path

from stamgast.console.views import customers, home, identity, insights, kinds, programme, refusals, segments, sign_in, sources

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("live", home.live, name="live"),
    path("measures", home.measures, name="measures"),
    path("sign-in", sign_in.sign_in, name="sign_in"),
    path("sign-out", sign_in.sign_out, name="sign_out"),
    path("language", sign_in.set_language, name="language"),
    path("customers", customers.customers, name="customers"),
    path("customers/<str:reference>", customers.customer, name="customer"),
    path("customers/<str:reference>/timeline", customers.timeline, name="timeline"),
    path("customers/<str:reference>/links", identity.links, name="links"),
    path("customers/<str:reference>/merge", identity.merge, name="merge"),
    path("customers/<str:reference>/separate", identity.separate, name="separate"),
    path("judgements/<uuid:judgement_id>/withdraw", identity.withdraw, name="withdraw"),
    path("movements/<uuid:movement_id>/why", customers.why, name="why"),
    path("segments", segments.segments, name="segments"),
    path("segments/<str:slug>", segments.segment, name="segment"),
    path("segments/<str:slug>/members", segments.members, name="members"),
    path("segments/<str:slug>/changes", segments.changes, name="changes"),
    path("programme", programme.programme, name="programme"),
    path("insights", insights.insights, name="insights"),
    path("insights/retention", insights.retention, name="retention"),
    path("insights/customers", insights.behind, name="behind"),
    path("insights/customers.csv", insights.behind_csv, name="behind_csv"),
    path("sources", sources.sources, name="sources"),
    path("sources/<int:number>", sources.source, name="source"),
    path("sources/<int:number>/strictness", sources.strictness, name="strictness"),
    path("sources/<int:number>/keys", sources.new_key, name="new_key"),
    path("sources/<int:number>/keys/<uuid:key_id>/revoke", sources.revoke, name="revoke"),
    path("sources/refusals", refusals.refusals, name="refusals"),
    path("sources/refusals/<uuid:refusal_id>", refusals.refusal, name="refusal"),
    path("sources/refusals/<uuid:refusal_id>/dismiss", refusals.dismissal, name="dismissal"),
    path("sources/kinds", kinds.kinds, name="kinds"),
    path("sources/kinds/<path:name>", kinds.kind, name="kind"),
]
