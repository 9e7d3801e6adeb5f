-- What is imported. Dates are days since 1970; null means "none".

-- +goose Up
create table contract (
    number   text not null primary key,
    sponsor  text not null,
    attested integer
);

-- The enrollment of a contract as one file gave it. It never changes; the
-- current one is replaced by another.
create table snapshot (
    id        integer primary key autoincrement,
    contract  text    not null,
    created   bigint  not null,
    enrollees bigint  not null,
    current   integer not null default 0
);
create unique index snapshot_current on snapshot (contract) where current = 1;

-- months0 to months3 are the bits of coverage.MonthSet; mbis is a JSON list,
-- the current one first.
create table enrolment (
    snapshot integer not null references snapshot (id),
    enrollee bigint  not null,
    mbis     text    not null,
    months0  bigint  not null,
    months1  bigint  not null,
    months2  bigint  not null,
    months3  bigint  not null,
    primary key (snapshot, enrollee)
) without rowid;
create index enrolment_of_enrollee on enrolment (enrollee, snapshot);

create table opt_out (
    mbi     text    not null primary key,
    share   integer not null,
    changed bigint  not null
) without rowid;

-- One import of claims. What it wrote is seen when it is published, all at
-- once; position is up to where its source has been taken in.
create table load (
    id        integer primary key autoincrement,
    source    text   not null,
    digest    text   not null,
    version   integer not null,
    started   bigint not null,
    published bigint not null default 0,
    position  bigint not null default 0,
    line      bigint not null default 0,
    report    text   not null default '{}'
);

-- The claims of an enrollee in one version of the API, minimized and
-- compressed, as of a load. A job reads the row of the highest load that was
-- published when it was planned.
create table segment (
    version    integer not null,
    enrollee   bigint  not null,
    load       integer not null references load (id),
    allow_list integer not null, -- the version of the list by which they were minimized
    newest     bigint  not null, -- lastUpdated of the newest claim
    undated    integer not null, -- claims without lastUpdated
    mbis       text    not null, -- as in the enrollment; they are written in the claims
    entries    blob    not null,
    deflate    blob    not null,
    crc        bigint  not null,
    length     bigint  not null
);
create unique index segment_of_enrollee on segment (version, enrollee, load);
create index segment_of_load on segment (load);

-- +goose Down
drop table segment;
drop table load;
drop table opt_out;
drop table enrolment;
drop table snapshot;
drop table contract;
