-- Whom a mail is from, as its first try said: a provider takes one idempotency key with one body only, the sender included.
alter table deliveries add column sender text check (length(sender) <= 320);
