package client

import "time"

// Kind is what an Event tells.
type Kind string

// The kinds of events, in the order in which they happen.
const (
	EventContinued Kind = "continued" // an export that was begun goes on; Text is its status URL without a query, empty when it was not accepted yet
	EventRestarted Kind = "restarted" // the export is gone at the server, as Text says, and is started anew
	EventBusy      Kind = "busy"      // the server runs as many exports as it allows, and is asked again after Wait
	EventStarted   Kind = "started"   // the server has accepted the export; Text is its status URL without a query, which may hold a secret
	EventProgress  Kind = "progress"  // the server is at Percent; Text is what it says
	EventFault     Kind = "fault"     // something failed, as Text says, and is tried again after Wait
	EventEarly     Kind = "early"     // File is complete, checked and on disk, while the export runs
	EventReady     Kind = "ready"     // the export is ready: Files files of Bytes bytes; Text is until when the server keeps it, if it says
	EventFetching  Kind = "fetching"  // Bytes of the Of bytes of File are fetched
	EventSkipped   Kind = "skipped"   // File was fetched and checked before
	EventFetched   Kind = "fetched"   // File is complete, checked and on disk
	EventComplete  Kind = "complete"  // so are all; Text is their folder
)

// Event is something that happens to an export.
type Event struct {
	Kind    Kind          `json:"event"`
	Text    string        `json:"text,omitempty"`
	Percent int           `json:"percent,omitempty"` // 0 to 100; -1 when the server does not say
	Wait    time.Duration `json:"wait,omitempty"`
	File    string        `json:"file,omitempty"`
	Files   int           `json:"files,omitempty"`
	Bytes   int64         `json:"bytes,omitempty"` // uncompressed
	Of      int64         `json:"of,omitempty"`    // zero when not known
}
