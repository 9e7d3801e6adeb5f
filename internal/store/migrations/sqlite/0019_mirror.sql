-- The mirror of an upstream FHIR server. A pass reads the claims of one version of
-- all people who are enrolled, into one load. Its parts are leased as those of jobs
-- are. Times are milliseconds since 1970; 0 is none.

-- +goose Up
create table mirror_pass (
    id         integer primary key autoincrement,
    version    integer not null,
    source     text    not null,           -- the upstream server's host
    complete   integer not null,           -- all claims of each person are read, not only changed ones
    again      integer not null, -- only people who failed, or were never read
    load       integer not null,
    started    bigint  not null,           -- before the first call
    read_up_to bigint  not null,           -- what the server had at this time has been read: started, less the overlap
    published  bigint  not null default 0,
    people     bigint  not null default 0, -- of all parts
    parts      integer not null default 0,
    report     text    not null default '{}'
);
create unique index mirror_pass_open on mirror_pass (published) where published = 0;

create table mirror_part (
    pass        integer not null references mirror_pass (id),
    number      integer not null,
    first       bigint  not null,
    last        bigint  not null,
    people      bigint  not null,
    done        integer not null default 0,
    worker      text    not null default '',
    lease_until bigint  not null default 0,
    fence       integer not null default 0,
    failures    integer not null default 0,
    not_before  bigint  not null default 0,
    fault       text    not null default '',
    primary key (pass, number)
) without rowid;

-- One row for each person whose claims are read, under the number that the person
-- has in the version. since is up to when the claims are known to have been read:
-- only an answer with claims moves it, because the upstream server answers some of
-- its own faults with an empty Bundle. read_in is the load that first had an answer.
create table mirror_person (
    version    integer not null,
    patient    bigint  not null,
    pass       integer not null default 0, -- the last one that read this person
    since      bigint  not null default 0,
    read_in    integer not null default 0,
    failures   integer not null default 0, -- in a row
    not_before bigint  not null default 0, -- the next try
    fault      text    not null default '',
    primary key (version, patient)
) without rowid;
create index mirror_person_failed on mirror_person (version, patient) where failures > 0;

-- When the enrollment of a contract was read from the upstream server last.
create table mirror_enrollment (
    contract    text   not null primary key,
    complete    bigint not null default 0, -- when all months were
    read        bigint not null default 0, -- when the latest months were
    lease_until bigint not null default 0,
    failures    integer not null default 0,
    not_before  bigint not null default 0,
    fault       text   not null default ''
) without rowid;

-- The number of version 3 of a person, by the beneficiary id.
create table mirror_number (
    enrollee   bigint not null primary key,
    patient_v3 bigint not null
) without rowid;

-- +goose Down
drop table mirror_number;
drop table mirror_enrollment;
drop table mirror_person;
drop table mirror_part;
drop table mirror_pass;
