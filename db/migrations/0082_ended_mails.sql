-- Who has ended a channel's mails can begin them again, by the link of a mail that asks for this one channel.
alter table recipients
    add column again_hash bytea unique check (length(again_hash) = 32),
    add column again_expires_at timestamptz;

-- When an address last ended mails of a channel of this workspace: whatever is made to lead there later is asked for first. Kept
-- here, since recipients go with their channel.
alter table addresses add column ended_at timestamptz;
