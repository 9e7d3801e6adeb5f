-- The table, and the names of the snapshots that jobs were planned with, follow
-- CMS's spelling.

-- +goose Up
alter table enrolment rename to enrollment;
alter index enrolment_of_enrollee rename to enrollment_of_enrollee;
update job set snapshot = replace(snapshot, 'enrolment-', 'enrollment-') where snapshot like 'enrolment-%';

-- +goose StatementBegin
do $$
begin
    for i in 0..15 loop
        execute format('alter table enrolment_%s rename to enrollment_%s', i, i);
    end loop;
end
$$;
-- +goose StatementEnd

-- +goose Down
alter table enrollment rename to enrolment;
alter index enrollment_of_enrollee rename to enrolment_of_enrollee;
update job set snapshot = replace(snapshot, 'enrollment-', 'enrolment-') where snapshot like 'enrollment-%';

-- +goose StatementBegin
do $$
begin
    for i in 0..15 loop
        execute format('alter table enrollment_%s rename to enrolment_%s', i, i);
    end loop;
end
$$;
-- +goose StatementEnd
