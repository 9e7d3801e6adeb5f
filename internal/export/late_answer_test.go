package export_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
)

// lateAnswers is a queue whose answers to commits come only when the work has ended for
// another reason, which is then the error: the commit has taken effect all the same.
type lateAnswers struct {
	export.Queue
	finished *atomic.Bool // set when Finish has answered
}

func (q lateAnswers) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	if err := q.Queue.CommitPart(ctx, l, r); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (q lateAnswers) Finish(ctx context.Context, l export.Lease, files []export.File, t export.Totals, expires time.Time) error {
	defer q.finished.Store(true)
	if err := q.Queue.Finish(ctx, l, files, t, expires); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestAFileOfALateAnswerStays: a lease ends with the commit of its step, and so the
// heartbeat ends the work before the commit has answered. The files are the job's.
func TestAFileOfALateAnswerStays(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 25))
	e.source.Fail(14, errors.New("upstream says no")) // so that there is an error file, which Finish commits
	var finished atomic.Bool
	e.worker.Queue, e.worker.Lease = lateAnswers{e.db, &finished}, 30*time.Millisecond
	j := e.accept()
	stop := e.start(1)
	e.until("the last answer", finished.Load)
	stop()
	if j = e.job(j.ID); j.State != export.Completed || j.Totals.NotRead != 1 {
		t.Fatalf("the job is %s: %+v", j.State, j.Totals)
	}
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
	if !strings.Contains(e.content(j.ID, export.Errors), "Patient/14") {
		t.Error("the error file does not name the enrollee")
	}
}
