-- The account of sponsors. See decisions 0140 to 0142. Times are as in 0001.

-- +goose Up
-- The networks that an operator set, and what the client chose of them, as JSON. Empty: it
-- did not choose. If networks is not what it chose, an operator has set it since, by a
-- release that does not know this column.
alter table client add column operator_networks text not null default '';

-- What clients ask operators for.
create table account_request (
    id         text   not null primary key,
    client     text   not null,
    contract   text   not null,
    kind       text   not null, -- networks or keys-url
    wanted     text   not null, -- JSON
    state      text   not null, -- waiting, approved, rejected or withdrawn
    reason     text   not null, -- of an operator, for the sponsor
    decided_by text   not null, -- as the actor of the audit log
    created    bigint not null,
    decided    bigint not null  -- 0: not yet
) without rowid;
create index account_request_of_client on account_request (client, created);
create index account_request_by_state on account_request (state, created);

-- A contract's part of the audit log.
create index audit_by_contract on audit_entry (json_extract(body, '$.contract'), number);

-- +goose Down
drop index audit_by_contract;
drop table account_request;
alter table client drop column operator_networks;
