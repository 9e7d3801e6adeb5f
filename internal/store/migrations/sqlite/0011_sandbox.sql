-- Clients of a sandbox have published secrets, or secrets that a sandbox
-- printed. They are marked, so that no other server accepts them. Databases of
-- older releases hold the tutorial's clients without a mark.
--
-- The contracts of real_people have or had enrollees who could be real: any MBI
-- that does not have the letter S at its second place could be one. A contract
-- keeps this mark for good, because what was exported stays when its enrollment
-- is replaced. What older releases stored counts as real.

-- +goose Up
alter table client add column sandbox integer not null default 0;
update client set sandbox = 1 where id in ('0oa2t0lsrdZw5uWRx297', '0oa2t0lc65ErV8OmY297', '0lc65ErV8OmY297',
    '0oa2t0lkicpxFGkGt297', '0oa2t0l6c1tQbTikz297', '0oa2t0lm9qoAtJHqC297');
create table real_people (contract text primary key);
insert into real_people select distinct contract from snapshot;
