-- Entries of the audit log that are recorded, in the order in which they came, and
-- wait for their number and their hash. Each is a transaction's own row, so that
-- nobody waits for another here. See decision 0090.

-- +goose Up
create table audit_pending (
    id   integer primary key autoincrement,
    body text    not null -- the entry, without its number
);

-- +goose Down
drop table audit_pending;
