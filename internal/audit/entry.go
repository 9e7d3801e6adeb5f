package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// Event is what happened.
type Event string

// The events.
const (
	TokenGranted Event = "token.granted"
	Refused      Event = "refused" // a request; Status and Detail say why

	JobAccepted  Event = "job.accepted"
	JobCompleted Event = "job.completed"
	JobFailed    Event = "job.failed"
	JobCanceled  Event = "job.cancelled"
	JobExpired   Event = "job.expired"
	JobExtended  Event = "job.extended"

	DownloadBegan Event = "download.began" // durable before the first byte is sent
	DownloadEnded Event = "download.ended" // Bytes says how many were; none follows when the process died meanwhile

	PatientsListed Event = "patients.listed" // durable before the list is sent; Detail says how many

	FileDamaged  Event = "file.damaged" // its stored bytes are not what was written
	FileRepaired Event = "file.repaired"

	ClientAdded    Event = "client.added"
	ClientEnabled  Event = "client.enabled"
	ClientDisabled Event = "client.disabled"
	ClientChanged  Event = "client.changed"
	ClientRemoved  Event = "client.removed"
	SecretAdded    Event = "client.secret-added"
	SecretRevoked  Event = "client.secret-revoked"

	// A client asks operators for a change of its account: Detail names the request.
	ClientRequested  Event = "client.requested"
	RequestApproved  Event = "client.request-approved" // and done
	RequestRejected  Event = "client.request-rejected"
	RequestWithdrawn Event = "client.request-withdrawn"

	ContractAdded      Event = "contract.added"
	ContractAttested   Event = "contract.attested"
	ContractUnattested Event = "contract.unattested"
	ContractEnabled    Event = "contract.enabled"
	ContractDisabled   Event = "contract.disabled"
	ContractV3         Event = "contract.v3"      // version 3 of the API was switched on or off
	ContractSponsor    Event = "contract.sponsor" // it has another sponsor, or the sponsor another name
	ContractHPMS       Event = "contract.hpms"    // changes by HPMS were enabled or disabled

	// Imports: Detail names the kind, the file, its SHA-256 and what was read.
	ImportBegan Event = "import.began" // before anything of it is stored
	ImportEnded Event = "import.ended" // all of it is stored; none follows when it failed

	KeyAdded   Event = "key.added"
	KeyRemoved Event = "key.removed"

	DataKeyAdded     Event = "data-key.added"     // it encrypts what is stored from now on
	DataKeyRewrapped Event = "data-key.rewrapped" // it is encrypted by another wrapping key, or anew

	MaintenanceOn  Event = "maintenance.on"
	MaintenanceOff Event = "maintenance.off"

	BackupBegan Event = "backup.began" // of the database; the backup has this entry

	// AuditArchived says that older entries were moved to a file: see Archive.Detail.
	AuditArchived Event = "audit.archived"

	AdminTokenAdded   Event = "admin-token.added"
	AdminTokenRemoved Event = "admin-token.removed"
)

// Entry is one line of the record. What is empty is not known, or has nothing
// to do with the event.
type Entry struct {
	Number   int64  `json:"number"` // from 1, without gaps
	Time     string `json:"time"`   // RFC 3339 in UTC, to the millisecond
	Event    Event  `json:"event"`
	Actor    string `json:"actor,omitempty"`   // who did it: "client ID", "admin NAME", "operator USER", "worker"
	From     string `json:"from,omitempty"`    // the address that the request came from
	Request  string `json:"request,omitempty"` // its id, as in the log
	Contract string `json:"contract,omitempty"`
	Client   string `json:"client,omitempty"`
	Job      string `json:"job,omitempty"`
	File     string `json:"file,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"`
	Status   int    `json:"status,omitempty"` // the HTTP status of a refusal
	Detail   string `json:"detail,omitempty"`
	// Omitted is how many refusals of the same caller, or downloads of parts of the
	// same file, were not recorded since the last one that was: a flood of them must
	// not fill the database. Bytes has theirs, too.
	Omitted int64 `json:"omitted,omitempty"`
}

// Log takes entries down.
type Log interface {
	// Record stores an entry, with what the context's Facts add to it. It is
	// durable when Record returns. Safe for concurrent use, by several
	// processes.
	Record(ctx context.Context, e Entry) error
}

// Link is an entry as it is stored.
type Link struct {
	Body json.RawMessage `json:"entry"` // exactly the bytes that were hashed
	Hash string          `json:"hash"`  // lower-case hex
}

// Seal completes an entry and chains it to the hash of the one before, which is
// "" for the first.
func Seal(e Entry, number int64, at time.Time, previous string) (Link, error) {
	e.Time = FormatTime(at)
	return Chain(e, number, previous)
}

// FormatTime writes the time of an entry.
func FormatTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// Chain is Seal for an entry that has its time.
func Chain(e Entry, number int64, previous string) (Link, error) {
	e.Number = number
	body, err := json.Marshal(e)
	if err != nil {
		return Link{}, fmt.Errorf("encode an audit entry: %w", err)
	}
	return Link{Body: body, Hash: chained(previous, body)}, nil
}

func chained(previous string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(previous))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Head names the last entry of a record. Written down elsewhere, it shows later
// that the record up to there is still the same.
type Head struct {
	Number int64
	Hash   string
}

// String is number:hash.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Number, h.Hash) }

// ParseHead reads what String wrote.
func ParseHead(s string) (Head, error) {
	var h Head
	n, err := fmt.Sscanf(s, "%d:%64s", &h.Number, &h.Hash)
	if err != nil || n != 2 || len(h.Hash) != 64 {
		return h, fmt.Errorf("%q is not NUMBER:HASH as ab2d audit verify prints it", s)
	}
	return h, nil
}

// Broken says where a record is not what was written.
type Broken struct {
	Number int64 // the entry
	Reason string
}

// Error says so.
func (b *Broken) Error() string { return fmt.Sprintf("audit entry %d: %s", b.Number, b.Reason) }

// Verify reads a record from its first entry to its last and gives its head;
// *Broken at the first entry that was changed, removed or put in. known, if its
// Number is not 0, has to be among the entries.
func Verify(links iter.Seq2[Link, error], known Head) (Head, error) {
	return VerifyFrom(Head{}, links, known)
}

// VerifyFrom is Verify of the entries that follow head.
func VerifyFrom(head Head, links iter.Seq2[Link, error], known Head) (Head, error) {
	if known.Number == head.Number && known.Hash != head.Hash {
		return head, &Broken{head.Number, "the record up to here is not the one whose head was given"}
	}
	for link, err := range links {
		if err != nil {
			return head, err
		}
		next := head.Number + 1
		var e Entry
		switch err := json.Unmarshal(link.Body, &e); {
		case err != nil:
			return head, &Broken{next, "it cannot be read"}
		case e.Number != next:
			return head, &Broken{next, fmt.Sprintf("entry %d stands in its place", e.Number)}
		case chained(head.Hash, link.Body) != link.Hash:
			return head, &Broken{next, "it, or the one before, was changed: its hash is another"}
		}
		head = Head{Number: next, Hash: link.Hash}
		if head.Number == known.Number && head.Hash != known.Hash {
			return head, &Broken{next, "the record up to here is not the one whose head was given"}
		}
	}
	if head.Number < known.Number {
		return head, &Broken{head.Number + 1, fmt.Sprintf("it and all others up to %d are missing", known.Number)}
	}
	return head, nil
}
