-- What is needed to remove what is over. See decisions 0135 and 0136.

-- +goose Up
-- By load, because arrivals are removed by load.
create index arrival_of_load on arrival (load);

-- The transactionTime of the newest completed job of a contract and version that is not
-- stored any more.
create table removed_job (
    contract         text    not null,
    version          integer not null,
    transaction_time bigint  not null,
    primary key (contract, version)
) without rowid;

-- Files that entries of the audit log were moved to. Each continues the one before.
create table audit_archive (
    first    bigint  not null primary key, -- entries from this number
    last     bigint  not null,             -- to this one
    hash     text    not null,             -- of the last one
    file     text    not null,             -- its name, without a directory
    sha256   text    not null,             -- of the file, lower-case hex
    archived bigint  not null
) without rowid;

-- Only what is in an archive may be deleted.
drop trigger audit_entry_remains;
-- +goose StatementBegin
create trigger audit_entry_remains before delete on audit_entry
when old.number > (select coalesce(max(last), 0) from audit_archive) begin
    select raise(abort, 'entries of the audit are not deleted before they are archived');
end;
-- +goose StatementEnd

-- +goose Down
drop trigger audit_entry_remains;
-- +goose StatementBegin
create trigger audit_entry_remains before delete on audit_entry begin
    select raise(abort, 'entries of the audit are not deleted');
end;
-- +goose StatementEnd
drop table audit_archive;
drop table removed_job;
drop index arrival_of_load;
