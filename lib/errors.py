"""Every refusal has a class here: its slug names it in docs/errors.md, its docstring is what the client reads by default.

Answers are application/problem+json (RFC 9457). `detail` is public; the private cause travels by `raise … from` and is only
ever logged, redacted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar


class Problem(Exception):
    """Something went wrong."""

    slug: ClassVar[str] = "problem"
    title: ClassVar[str] = "Problem"
    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(self.detail)

    def body(self) -> dict[str, Any]:
        """The members of the problem document (RFC 9457, section 3.1)."""
        about = f"https://github.com/sensra/sensra/blob/main/docs/errors.md#{self.slug}"
        return {"type": about, "title": self.title, "status": self.status, "detail": self.detail, **self.extra}


class InvalidRequest(Problem):
    """The request is not of the form that this address takes."""

    slug, title, status = "invalid-request", "Invalid request", 400

    def __init__(self, detail: str | None = None, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        if errors:
            self.extra["errors"] = [dict(error) for error in errors]


class Unauthenticated(Problem):
    """Sign in, or send a valid key: `Authorization: Bearer …`."""

    slug, title, status = "unauthenticated", "Not signed in", 401

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    """Your role in this workspace does not allow this."""

    slug, title, status = "forbidden", "Not allowed", 403

    def __init__(self, detail: str | None = None, *, workspace_id: int | None = None) -> None:
        super().__init__(detail)
        self.workspace_id = workspace_id
        """Whose trail tells of the attempt, where the address does not say it. The client is not told."""


class NotFound(Problem):
    """There is no such thing here, or it is not yours to see."""

    slug, title, status = "not-found", "Not found", 404


class MethodNotAllowed(Problem):
    """This address does not take this method."""

    slug, title, status = "method-not-allowed", "Method not allowed", 405


class Conflict(Problem):
    """The thing is not in a state in which this can be done."""

    slug, title, status = "conflict", "Conflict", 409


class IdempotencyMismatch(Problem):
    """This Idempotency-Key came with another request before. Use a new one for each thing that is to be made."""

    slug, title, status = "idempotency-mismatch", "Idempotency-Key used before", 422


class TooLarge(Problem):
    """The body is larger than is taken."""

    slug, title, status = "too-large", "Too large", 413


class RateLimited(Problem):
    """This key has sent more events than its limit; nothing of this request was kept."""

    slug, title, status = "rate-limited", "Too many events", 429
    # Whose limit it is, and its name, in the words of Sentry's protocol.
    scope: ClassVar[str] = "key"
    reason: ClassVar[str] = "key_rate"

    def __init__(self, retry_after_seconds: int, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class ProjectRateLimited(RateLimited):
    """The keys of this project together have sent more events than its limit; nothing of this request was kept."""

    slug = "project-rate-limited"
    scope, reason = "project", "project_rate"


class OverQuota(RateLimited):
    """This workspace has used up its events of the month (UTC); nothing of this request was kept."""

    slug, title = "over-quota", "Quota used up"
    scope, reason = "organization", "quota"


class BudgetSpent(Problem):
    """This month's budget is used up."""

    slug, title, status = "budget-spent", "Budget used up", 429

    def __init__(self, now: datetime, detail: str | None = None) -> None:
        month_end = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
        super().__init__(detail, headers={"Retry-After": str(int((month_end - now).total_seconds()) + 1)})


class TooOften(Problem):
    """This may be done only so often; come back later."""

    slug, title, status = "too-often", "Too often", 429

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class Unavailable(Problem):
    """The database cannot be reached; nothing is known to be kept. Send it again."""

    slug, title, status = "unavailable", "Temporarily unavailable", 503

    def __init__(self, detail: str | None = None, retry_after_seconds: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class SchemaOutdated(Unavailable):
    """The database's schema is older than this deployment needs. Run `make migrate`, then send it again."""

    slug, title = "schema-outdated", "Schema is outdated"


class NotConfigured(Problem):
    """This deployment lacks a setting that this needs."""

    slug, title, status = "not-configured", "Not configured", 503


class Unexpected(Problem):
    """Something unexpected happened; the request id finds it in the logs."""

    slug, title, status = "unexpected", "Unexpected error", 500
