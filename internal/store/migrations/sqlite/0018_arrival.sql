-- The claims of an enrollee that a load brought: the earliest lastUpdated of those
-- that were new or changed. An upstream hands a claim over some time after it has
-- updated it, so that an export which continues from an earlier one needs more than
-- the claims that were updated since: see export.Claims. The first load of a version
-- has no rows, because no export can continue from what was before it.

-- +goose Up
create table arrival (
    version  integer not null,
    enrollee bigint  not null, -- the number under which the claims are stored
    load     integer not null,
    oldest   bigint  not null, -- milliseconds since 1970; 0 for a claim without lastUpdated
    primary key (version, enrollee, load)
) without rowid;
create index job_by_transaction_time on job (contract, version, transaction_time);

-- +goose Down
drop index job_by_transaction_time;
drop table arrival;
