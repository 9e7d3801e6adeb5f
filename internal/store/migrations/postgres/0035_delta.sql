-- What a load changed about an enrollee's claims, beside the segment of an earlier load,
-- which then need not be written anew. See decisions 0121 to 0123.

-- +goose Up
create table delta (
    version    bigint not null,
    enrollee   bigint not null,
    load       bigint not null references load (id),
    allow_list bigint not null, -- as in segment
    newest     bigint not null, -- lastUpdated of the newest claim of this row and of those before it
    undated    bigint not null, -- claims without lastUpdated of this row and of those before it
    mbis       text   not null, -- as in segment
    crc        bigint not null,
    length     bigint not null,
    fold       bigint not null, -- 1: the enrollee's deltas are worth folding into a segment
    entries    bytea  not null, -- the index of the claims that came or changed
    gone       bytea  not null, -- an index of the ids of the claims that left; empty: none
    deflate    bytea  not null, -- the claims that came or changed
    primary key (version, enrollee, load)
) partition by hash (enrollee);
create index delta_of_load on delta (load);
create index delta_to_fold on delta (version, enrollee) where fold = 1;

-- +goose StatementBegin
do $$
begin
    alter table delta alter column deflate set storage external; -- it is compressed
    for i in 0..31 loop
        execute format('create table delta_%s partition of delta for values with (modulus 32, remainder %s)', i, i);
    end loop;
end
$$;
-- +goose StatementEnd

-- What holds of all stored claims: one row. Processes of the release before do not read
-- deltas: they may be written when the last of them has ended.
create table claim_store (
    id     bigint not null primary key,
    deltas bigint not null, -- 1: loads may write deltas, because every process reads them
    pruned bigint not null, -- rows that loads up to this one replaced have been deleted
    floor  bigint not null, -- and no row of a job that is pinned to this load or a later one
    lease_until bigint not null, -- of who folds deltas
    allow_list bigint not null -- no stored claims were reduced by an older version of it
);
insert into claim_store (id, deltas, pruned, floor, lease_until, allow_list) values (1, 0, 0, 0, 0, 0);

-- +goose Down
drop table claim_store;
drop table delta;
