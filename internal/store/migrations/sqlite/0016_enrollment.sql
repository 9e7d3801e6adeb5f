-- The table, and the names of the snapshots that jobs were planned with, follow
-- CMS's spelling.

-- +goose Up
alter table enrolment rename to enrollment;
drop index enrolment_of_enrollee;
create index enrollment_of_enrollee on enrollment (enrollee, snapshot);
update job set snapshot = replace(snapshot, 'enrolment-', 'enrollment-') where snapshot like 'enrolment-%';

-- +goose Down
update job set snapshot = replace(snapshot, 'enrollment-', 'enrolment-') where snapshot like 'enrollment-%';
drop index enrollment_of_enrollee;
alter table enrollment rename to enrolment;
create index enrolment_of_enrollee on enrolment (enrollee, snapshot);
