"""How large one event may be. Lengths are characters, sizes bytes of the payload as JSON. docs/events.md explains each."""

PAYLOAD_BYTES_MAX = 1 << 20
DEPTH_MAX = 32  # levels of containers; the payload itself is the first
STRING_CHARS_MAX = 65_536  # any string without a limit of its own; a body smaller than this needs no look at each string

MESSAGE_CHARS_MAX = 8_192  # exception value, message
NAME_CHARS_MAX = 200  # type, module, release, environment, server_name, logger, transaction, service, dist, platform
RAW_STACKTRACE_CHARS_MAX = 65_536
EXCEPTIONS_MAX = 50
FRAMES_MAX = 1_000  # of all stacks of an event together
THREADS_MAX = 200
BREADCRUMBS_MAX = 100
FINGERPRINT_PARTS_MAX = 32
FINGERPRINT_PART_CHARS_MAX = 1_000
TAGS_MAX = 100
TAG_KEY_CHARS_MAX = 200
TAG_VALUE_CHARS_MAX = 200
PAIR_VALUE_CHARS_MAX = 8_192  # of a header; also a whole query or cookie string

OCCURRED_AGE_DAYS_MAX = 30
OCCURRED_AHEAD_MINUTES_MAX = 5
