"""A project of 100,000 incidents and 1,000,000 events, written into the database directly, and how long its lists take.

As record_events would have left it: one kind of error each, 60 releases, three environments, a person for each ten events, tags
that many and that few have.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import httpx
import psycopg

from lib import tags
from lib.intake import hashed_person
from tests.e2e.conftest import Product

INCIDENTS, EVENTS, RELEASES = 100_000, 1_000_000, 60
PERSON, RARE_TAG, COMMON_TAG = "customer-4711", ("tenant", "acme-77"), ("region", "eu")
FILL = """
INSERT INTO releases
SELECT %(p)s, 'shop@1.' || n || '.0', NULL, now() - (60 - n) * interval '12 hours' FROM generate_series(0, %(releases)s - 1) n;

-- The nth kind has about 1/n of all events, so that few have most of them.
CREATE TEMP TABLE made AS
SELECT n, nextval('incident_ids') AS id, md5(n::text)::uuid AS fingerprint, now() - n * interval '25 seconds' AS last_seen,
       now() - interval '30 days' + n * interval '1 second' AS first_seen,
       greatest(1, (%(events)s / (n * 11.5))::bigint) AS event_count,
       ('{production,staging,test}'::text[])[1 + n %% 3:3] AS environments
  FROM generate_series(1, %(incidents)s) n;

INSERT INTO incidents (project_id, id, status, level, kind, title, culprit, platform, event_count, people_count, first_seen,
                       last_seen, first_release, last_release, environments)
SELECT %(p)s, id, (CASE WHEN n %% 5 = 0 THEN 'resolved' WHEN n %% 17 = 0 THEN 'ignored' ELSE 'open' END),
       ('{fatal,error,error,warning}'::text[])[1 + n %% 4], 'StepError', 'StepError: step ' || n || ' of the checkout failed',
       'step_' || n || ' in shop.checkout', 'python', event_count, event_count / 10, first_seen, last_seen, 'shop@1.0.0',
       'shop@1.' || n %% %(releases)s || '.0', environments
  FROM made;

INSERT INTO incident_fingerprints (project_id, fingerprint, incident_id, version, rule, reason, parts, event_count, first_seen,
                                   last_seen, environments)
SELECT %(p)s, fingerprint, id, 1, 'stack', 'its frames', '[]', event_count, first_seen, last_seen, environments
  FROM made
 ORDER BY fingerprint;

INSERT INTO event_counts
SELECT %(p)s, m.fingerprint, date_trunc('hour', now()) - e * interval '1 hour', 'production',
       'shop@1.' || (m.n + e) %% %(releases)s || '.0', 1
  FROM made m, generate_series(1, 10) e
 ORDER BY m.fingerprint;

INSERT INTO events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level, release, environment)
SELECT %(p)s, m.fingerprint, now() - (m.n * 10 + e) * interval '1 millisecond', md5(m.n || ':' || e)::uuid, now(),
       current_date + 90, 'error', 'shop@1.' || (m.n + e) %% %(releases)s || '.0', 'production'
  FROM made m, generate_series(1, 10) e
 ORDER BY m.fingerprint;

INSERT INTO incident_people
SELECT %(p)s, decode(md5((m.n * 7 + e) %% 90000 || ''), 'hex'), m.fingerprint FROM made m, generate_series(1, 2) e
ON CONFLICT DO NOTHING;

INSERT INTO incident_people SELECT %(p)s, %(person)s, fingerprint FROM made WHERE n %% 20000 = 7;

INSERT INTO incident_tags
SELECT %(p)s, fingerprint, %(region)s, (ARRAY[%(eu)s, 1, 2]::bigint[])[1 + n %% 3], current_date
  FROM made
 ORDER BY fingerprint;

INSERT INTO incident_tags
SELECT %(p)s, fingerprint, %(tenant)s, CASE WHEN n %% 20000 = 9 THEN %(acme)s ELSE n END, current_date
  FROM made
 ORDER BY fingerprint
"""
TABLES = "incidents, incident_fingerprints, event_counts, incident_people, incident_tags, events"
# What people ask for, by name; with facets beside each in the page.
LISTS: dict[str, dict[str, Any]] = {
    "last seen": {},
    "first seen": {"sort": "first_seen"},
    "most events": {"sort": "event_count"},
    "most events, open": {"sort": "event_count", "status": "open"},
    "open, warning, staging": {"status": "open", "level": "warning", "environment": "staging"},
    "one release": {"release": "shop@1.59.0"},
    "mine": {"assignee": "me"},
    "a person": {"user": PERSON},
    "a tag that few have": {"tag": "=".join(RARE_TAG)},
    "a tag that many have": {"tag": "=".join(COMMON_TAG), "status": "open"},
    "words that one has": {"text": "step 77777 of"},
}


def fill(product: Product) -> int:
    """Make the project and fill it; answers its id."""
    with psycopg.connect(product.database_url, autocommit=True) as conn:
        found = conn.execute("SELECT id, person_hash_key FROM workspaces WHERE slug = 'demo'").fetchone()
        assert found
        workspace_id, hash_key = found
        made = conn.execute(
            "INSERT INTO projects (workspace_id, slug, name) VALUES (%s, 'large', 'Large') RETURNING id", [workspace_id]
        ).fetchone()
        assert made
        given = {
            "p": made[0], "incidents": INCIDENTS, "events": EVENTS, "releases": RELEASES,
            "person": bytes.fromhex(hashed_person(hash_key, f"id:{PERSON}")),
        }  # fmt: skip
        words = {"region": COMMON_TAG[0], "eu": COMMON_TAG[1], "tenant": RARE_TAG[0], "acme": RARE_TAG[1]}
        given |= {name: tags.hashed(hash_key, word) for name, word in words.items()}
        conn.execute("SET session_replication_role = replica")  # what is written here is known to fit
        conn.execute("SELECT make_partitions(current_date - 1, current_date + 1, '{}')")
        for statement in FILL.split(";\n\n"):
            conn.execute(statement.encode(), given)
        conn.execute(f"VACUUM ANALYZE {TABLES}".encode())
    return int(made[0])


def headers(product: Product) -> dict[str, str]:
    """Of the owner; a session lasts a minute."""
    answer = httpx.get(product.session_token_url, params={"email": "owner@example.com"})
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def milliseconds(product: Product, project_id: int, path: str, query: dict[str, Any], samples: int) -> list[float]:
    """Ascending, of so many requests one after the other."""
    spent: list[float] = []
    with httpx.Client(base_url=f"{product.url}/api/projects/{project_id}", headers=headers(product), timeout=30) as client:
        client.get(path, params=query).raise_for_status()
        for _ in range(samples):
            began = time.perf_counter()
            client.get(path, params=query).raise_for_status()
            spent.append(1000 * (time.perf_counter() - began))
    return sorted(spent)


def p95(spent: Sequence[float]) -> float:
    """Of ascending figures."""
    return spent[int(len(spent) * 0.95)]


def said(spent: Sequence[float]) -> str:
    """The figures in words."""
    return f"median {statistics.median(spent):6.1f}  p95 {p95(spent):6.1f} ms"
