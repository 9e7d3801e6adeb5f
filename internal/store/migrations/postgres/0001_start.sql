-- Times are milliseconds since 1970 in UTC; 0 means "not set". Lists and
-- totals are JSON. A lease is free when lease_until lies in the past.

-- +goose Up
create table job (
    id               text    not null primary key,
    contract         text    not null,
    client           text    not null,
    version          bigint not null,
    request          text    not null,
    since            bigint  not null,
    since_source     text    not null,
    base             text    not null default '',
    until            bigint  not null,
    service_dates    text    not null,
    transaction_time bigint  not null,
    continuous       bigint not null,
    notes            text    not null,
    state            text    not null,
    reason           text    not null default '',
    started          bigint  not null default 0,
    finished         bigint  not null default 0,
    expires          bigint  not null default 0,
    snapshot         text    not null default '',
    expected         bigint  not null default 0,
    parts            bigint not null default 0,
    parts_done       bigint not null default 0,
    totals           text    not null default '{}',
    completed        bigint not null default 0, -- was, whatever became of it later
    downloaded       bigint not null default 0, -- all its claim files were
    swept            bigint not null default 0,
    worker           text    not null default '',
    lease_until      bigint  not null default 0,
    fence            bigint not null default 0,
    failures         bigint not null default 0,
    not_before       bigint  not null default 0,
    fault            text    not null default ''
);
create index job_of_contract on job (contract, state, transaction_time);
create index job_by_state on job (state, transaction_time, id);
create index job_unswept on job (id) where swept = 0 and state not in ('accepted', 'running');
create index job_expiring on job (expires) where state = 'completed';

create table part (
    job         text    not null references job (id),
    number      bigint not null,
    first       bigint  not null,
    last        bigint  not null,
    enrollees   bigint  not null,
    done        bigint not null default 0,
    ledger      bytea,
    totals      text    not null default '{}',
    progress    bigint  not null default 0,
    worker      text    not null default '',
    lease_until bigint  not null default 0,
    fence       bigint not null default 0,
    failures    bigint not null default 0,
    not_before  bigint  not null default 0,
    fault       text    not null default '',
    primary key (job, number)
);
create index part_to_do on part (job, number) where done = 0;
create index part_leased on part (job, lease_until) where done = 0;

create table file (
    job        text    not null references job (id),
    key        text    not null,
    kind       text    not null,
    part       bigint not null,
    ord        bigint not null,
    number     bigint not null default 0,
    name       text    not null default '',
    count      bigint  not null,
    length     bigint  not null,
    stored     bigint  not null,
    sha256     bytea    not null,
    downloads  bigint not null default 0,
    sent_gzip  bigint  not null default 0, -- bytes sent from the start, in this delivery
    sent_plain bigint  not null default 0,
    primary key (job, key)
);
create index file_of_part on file (job, part, ord);
create index file_by_name on file (job, name);

create table client (
    id       text    not null primary key,
    contract text    not null,
    secrets  text    not null,
    enabled  bigint not null,
    max_jobs bigint not null,
    created  bigint  not null
);

create table signing_key (
    id      text   not null primary key,
    pem     text   not null,
    created bigint not null
);

-- +goose Down
drop table signing_key;
drop table client;
drop table file;
drop table part;
drop table job;
