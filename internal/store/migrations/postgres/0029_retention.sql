-- What is needed to remove what is over. See decisions 0135 and 0136.

-- +goose Up
-- By load, because arrivals are removed by load.
create index arrival_of_load on arrival (load);

-- The transactionTime of the newest completed job of a contract and version that is not
-- stored any more.
create table removed_job (
    contract         text   not null,
    version          bigint not null,
    transaction_time bigint not null,
    primary key (contract, version)
);

-- Files that entries of the audit log were moved to. Each continues the one before.
create table audit_archive (
    first    bigint not null primary key, -- entries from this number
    last     bigint not null,             -- to this one
    hash     text   not null,             -- of the last one
    file     text   not null,             -- its name, without a directory
    sha256   text   not null,             -- of the file, lower-case hex
    archived bigint not null
);

-- Only what is in an archive may be deleted.
-- +goose StatementBegin
create or replace function audit_entry_stays() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.number <= (select coalesce(max(last), 0) from audit_archive) then
            return old;
        end if;
    end if;
    raise exception 'entries of the audit are neither changed, nor deleted before they are archived';
end $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
create or replace function audit_entry_stays() returns trigger language plpgsql as $$
begin
    raise exception 'entries of the audit are neither changed nor deleted';
end $$;
-- +goose StatementEnd
drop table audit_archive;
drop table removed_job;
drop index arrival_of_load;
