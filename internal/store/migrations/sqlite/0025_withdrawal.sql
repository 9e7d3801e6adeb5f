-- Claims that were stored and published, and are gone: the upstream server does not have
-- them any more, they must not be shared any more, or they belong to somebody else. Days
-- are days since 1970-01-01; null is none. last_updated is in milliseconds.

-- +goose Up
create table withdrawal (
    version      integer not null,
    enrollee     bigint  not null, -- the number under which the claim was stored
    load         integer not null, -- that removed it
    id           text    not null,
    type         integer not null,
    first_day    integer,
    last_day     integer,
    last_updated bigint  not null,
    primary key (version, enrollee, load, id)
);
create index withdrawal_of_load on withdrawal (load);

-- +goose Down
drop table withdrawal;
