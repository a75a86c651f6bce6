"""The factual sentences of the privacy policy, each by the number of its section, in words of our own.

A sentence that is added needs a test that shows it (`@shows` in tests/policy/), or a reason in APART why code cannot.
"""

from __future__ import annotations

SECTIONS = {
    1: "Scope",
    2: "Data we collect",
    3: "How we use data",
    4: "AI processing",
    5: "Security and data minimisation",
    6: "Data retention",
    7: "Service providers and disclosure",
    8: "Your choices and rights",
    9: "International transfers",
    10: "Children",
    11: "Changes and contact",
}
SENTENCES = {
    "1.1": "The policy tells how data is collected, used, stored and disclosed by the platform, the API and their services.",
    "1.2": "It covers accounts, the administration of workspaces and projects, and what is sent to the ingestion API.",
    "2.1": "Collected is what running the service and working on incidents needs.",
    "2.2": "Of accounts: an identifier and an e-mail address, through Clerk.",
    "2.3": "Of workspaces and projects: names, slugs, memberships, roles, limits, and what is known of keys.",
    "2.4": "Of events: messages, stack traces, metadata, routes, services, environments, times, and their normalised grouping.",
    "2.5": "Of operation: counters of rates and usage, the state and retries of queued alerts, and a log for security.",
    "3.1": "Data serves authentication and the separation of tenants.",
    "3.2": "Data serves taking in events and grouping them into incidents.",
    "3.3": "Data serves analyses by a model and the delivery of alerts.",
    "3.4": "Data serves quotas, the prevention of abuse and reliability.",
    "3.5": "What the service tells of itself may serve finding errors, watching performance and improving it.",
    "4.1": "Analyses may process the context of an incident and its events for summaries, suggested fixes and a confidence.",
    "4.2": "An analysis runs where an incident is new or has materially changed.",
    "5.1": "Keys are stored as hashes, and shown whole only when they are made.",
    "5.2": "Payloads are redacted, so that common sensitive fields are not exposed.",
    "5.3": "The boundaries of workspaces and projects hold in the dashboard and in the API.",
    "5.4": "Rates and usage are limited against abuse.",
    "6.1": "Payloads are pruned by background jobs, as retention is configured.",
    "6.2": "Retention is configurable, and 90 days unless it is configured.",
    "6.3": "After it payloads go, while incidents and accounts that operation needs can stay.",
    "6.4": "Data is kept as long as the service, legal duties, agreements and disputes need it.",
    "7.1": "Processors get data only as far as running the platform needs it.",
    "7.2": "Clerk authenticates and manages sessions.",
    "7.3": "PostgreSQL (Neon) stores relational data.",
    "7.4": "Upstash Redis serves rate limits and the protection of usage.",
    "7.5": "Resend delivers incident alerts by mail.",
    "7.6": "OpenAI serves the analysis of incidents.",
    "7.7": "Vercel hosts, runs and schedules.",
    "8.1": "Members of a workspace can be managed.",
    "8.2": "Keys can be rotated and revoked.",
    "8.3": "Operational settings of projects can be configured in the dashboard.",
    "8.4": "Access to personal data of an account can be had.",
    "8.5": "It can be corrected.",
    "8.6": "It can be deleted.",
    "8.7": "It can be exported.",
    "9.1": "Data may be processed where the infrastructure and its providers are.",
    "9.2": "Reasonable safeguards protect data while it is transferred.",
    "10.1": "The service is for professional use and not directed to children under 13 or the age that applies.",
    "11.1": "The policy may change; material changes come with a new effective date.",
    "11.2": "Questions and requests have an address.",
}
# What code cannot show, and why.
APART = {
    "9.2": "The contracts and certificates of providers are the operator's to choose; that connections are encrypted is shown.",
    "10.1": "Whom the service is offered to, code cannot show; that it asks nobody's age and says so is shown.",
}
