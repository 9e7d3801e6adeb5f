package rest

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
)

// Reason says in a few words why a database or a disk fails, for everybody to read:
// nothing of the error itself.
func Reason(err error) string {
	var state interface{ SQLState() string }
	var code interface{ Code() int }
	var passing interface{ Transient() }
	sqlState, sqlCode := "", 0
	if errors.As(err, &state) {
		sqlState = state.SQLState()
	}
	if errors.As(err, &code) {
		sqlCode = code.Code() & 0xff
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), sqlCode == 13, sqlState == "53100":
		return "failing: the disk is full"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission), sqlCode == 8, sqlState == "25006":
		return "failing: it cannot be written"
	case errors.As(err, &passing), sqlCode == 5, sqlCode == 6, sqlState == "55P03":
		return "failing: it is locked"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), sqlState == "57014":
		return "failing: it does not answer"
	}
	return "failing"
}
