-- The history of attestations takes the place of one date: the last event of a contract
-- says whether it is attested. Days are days since 1970-01-01, times are milliseconds.
-- HPMS changes nothing of the contracts in contract_manual.

-- +goose Up
create table attestation (
    contract  text    not null,
    number    integer not null, -- from 1, in the order in which the events were recorded
    kind      text    not null, -- attested, withdrawn or lapsed
    effective integer not null,
    source    text    not null, -- operator, file, hpms or migration
    actor     text    not null, -- empty: not known
    recorded  bigint  not null,
    primary key (contract, number)
);
insert into attestation (contract, number, kind, effective, source, actor, recorded)
    select number, 1, 'attested', attested, 'migration', '', unixepoch() * 1000
    from contract where attested is not null;
alter table contract drop column attested;
create table contract_manual (
    number text not null primary key
);

-- +goose Down
drop table contract_manual;
alter table contract add column attested integer;
update contract set attested = (select a.effective from attestation a where a.contract = contract.number and a.kind = 'attested'
    and a.number = (select max(l.number) from attestation l where l.contract = contract.number));
drop table attestation;
