-- The last block of a segment stands apart from the others, and before them:
-- SQLite reads a row from its beginning, and an export of what is new wants
-- only that block. Rows from before have all of their blocks in deflate.

-- +goose Up
create table segment_with_tail (
    version    integer not null,
    enrollee   bigint  not null,
    load       integer not null references load (id),
    allow_list integer not null, -- the version of the list by which they were minimized
    newest     bigint  not null, -- lastUpdated of the newest claim
    undated    integer not null, -- claims without lastUpdated
    mbis       text    not null, -- as in the enrollment; they are written in the claims
    crc        bigint  not null,
    length     bigint  not null,
    entries    blob    not null,
    tail       blob    not null, -- the last block
    deflate    blob    not null  -- those before it
);
insert into segment_with_tail select version, enrollee, load, allow_list, newest, undated, mbis, crc, length, entries, x'', deflate from segment;
drop table segment;
alter table segment_with_tail rename to segment;
create unique index segment_of_enrollee on segment (version, enrollee, load);
create index segment_of_load on segment (load);

-- +goose Down
update segment set deflate = deflate || tail;
alter table segment drop column tail;
