-- Who may ask, and the record of what was done. Times are as in 0001.

-- +goose Up
-- secrets become a JSON list of {id, hash, created, expires}.
update client set secrets = (select coalesce(json_agg(json_build_object('id', substr(s.value, 30, 6), 'hash', s.value, 'created', client.created, 'expires', 0)), '[]')
    from json_array_elements_text(client.secrets::json) s(value));
alter table client add column name     text not null default '';
alter table client add column networks text not null default '[]'; -- from where it may come, as CIDR; none: from everywhere
alter table client add column keys     text not null default '';   -- its JWK Set
alter table client add column keys_url text not null default '';   -- or where that is
create index client_of_contract on client (contract);

-- Contracts whose clients are kept out, whatever the clients' own switches say.
-- Synthetic contracts have no row in contract.
create table disabled_contract (
    number text   not null primary key,
    since  bigint not null
);

-- The assertions (RFC 7523) that were used and have not expired.
create table used_assertion (
    client  text   not null,
    digest  text   not null, -- of the jti
    expires bigint not null,
    primary key (client, digest)
);
create index used_assertion_expiring on used_assertion (expires);

-- pem is encrypted when it begins with "sealed:".
alter table signing_key add column retired bigint not null default 0;

create table admin_token (
    id      text   not null primary key,
    name    text   not null,
    digest  text   not null, -- SHA-256 of the token
    scopes  text   not null,
    created bigint not null,
    expires bigint not null
);

-- One row at most: while it is there, no new exports are taken.
create table maintenance (
    id      bigint not null primary key check (id = 1),
    since   bigint  not null,
    until   bigint  not null,
    message text    not null
);

-- The record. hash is SHA-256 of the previous entry's hash and this body.
create table audit_entry (
    number bigint not null primary key,
    event  text   not null, -- as in the body, to look for
    body   text   not null,
    hash   text   not null
);
create index audit_by_event on audit_entry (event, number);
create table audit_head (
    id     bigint not null primary key check (id = 1),
    number bigint  not null,
    hash   text    not null
);
insert into audit_head (id, number, hash) values (1, 0, '');

-- Against accidents. Who owns the database can drop them, and then the hashes tell.
-- +goose StatementBegin
create function audit_entry_stays() returns trigger language plpgsql as $$
begin
    raise exception 'entries of the audit are neither changed nor deleted';
end $$;
-- +goose StatementEnd
create trigger audit_entry_stays before update or delete on audit_entry for each row execute function audit_entry_stays();
create trigger audit_entry_remains before truncate on audit_entry for each statement execute function audit_entry_stays();

-- +goose Down
drop table audit_head;
drop table audit_entry;
drop function audit_entry_stays();
drop table maintenance;
drop table admin_token;
alter table signing_key drop column retired;
drop table used_assertion;
drop table disabled_contract;
drop index client_of_contract;
alter table client drop column keys_url;
alter table client drop column keys;
alter table client drop column networks;
alter table client drop column name;
update client set secrets = (select coalesce(json_agg(s.value->>'hash'), '[]') from json_array_elements(client.secrets::json) s(value));
