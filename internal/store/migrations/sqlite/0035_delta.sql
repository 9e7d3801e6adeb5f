-- What a load changed about an enrollee's claims, beside the segment of an earlier load,
-- which then need not be written anew. See decisions 0121 to 0123.

-- +goose Up
create table delta (
    version    integer not null,
    enrollee   bigint  not null,
    load       integer not null references load (id),
    allow_list integer not null, -- as in segment
    newest     bigint  not null, -- lastUpdated of the newest claim of this row and of those before it
    undated    integer not null, -- claims without lastUpdated of this row and of those before it
    mbis       text    not null, -- as in segment
    crc        bigint  not null,
    length     bigint  not null,
    fold       integer not null, -- 1: the enrollee's deltas are worth folding into a segment
    entries    blob    not null, -- the index of the claims that came or changed
    gone       blob    not null, -- an index of the ids of the claims that left; empty: none
    deflate    blob    not null, -- the claims that came or changed
    primary key (version, enrollee, load)
);
create index delta_of_load on delta (load);
create index delta_to_fold on delta (version, enrollee) where fold = 1;

-- An export of what is new finds by it alone whose segments have nothing new.
create index segment_newest on segment (version, enrollee, load, newest, undated);

-- What holds of all stored claims: one row. Processes of the release before do not read
-- deltas: they may be written when the last of them has ended.
create table claim_store (
    id     integer not null primary key,
    deltas integer not null, -- 1: loads may write deltas, because every process reads them
    pruned bigint not null, -- rows that loads up to this one replaced have been deleted
    floor  bigint not null, -- and no row of a job that is pinned to this load or a later one
    lease_until bigint not null, -- of who folds deltas
    allow_list integer not null -- no stored claims were reduced by an older version of it
);
insert into claim_store (id, deltas, pruned, floor, lease_until, allow_list) values (1, 0, 0, 0, 0, 0);

-- +goose Down
drop index segment_newest;
drop table claim_store;
drop table delta;
