package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/store"
	"ab2d/internal/synth"
)

// productionClients are the clients of a server that is no sandbox: those that
// a sandbox added do not exist for it.
type productionClients struct{ *store.DB }

// Client finds a client that no sandbox added.
func (p productionClients) Client(ctx context.Context, id string) (*auth.Client, error) {
	c, err := p.DB.Client(ctx, id)
	if err == nil && c.Sandbox {
		return nil, auth.ErrNoClient
	}
	return c, err
}

// sandboxClients are the clients of a sandbox. Those whose secrets are published
// do not exist for it while the claims of their contract could be those of real
// people.
type sandboxClients struct{ *store.DB }

// Client finds a client.
func (s sandboxClients) Client(ctx context.Context, id string) (*auth.Client, error) {
	c, err := s.DB.Client(ctx, id)
	if err != nil || !isPublished(id) {
		return c, err
	}
	if imported, err := s.RealPeople(ctx, c.Contract); err != nil || imported {
		return nil, errors.Join(err, auth.ErrNoClient)
	}
	return c, nil
}

// isPublished tells whether the tutorial prints the secret of a client.
func isPublished(id string) bool {
	return slices.ContainsFunc(synth.Sponsors(), func(s synth.Sponsor) bool {
		return slices.ContainsFunc(s.Credentials, func(c synth.Credential) bool { return c.ID == id })
	})
}

// addPublishedClients stores the tutorial's clients, if they are not there yet.
func addPublishedClients(ctx context.Context, db *store.DB, sponsors []synth.Sponsor, maxJobs int) error {
	ctx = audit.With(ctx, &audit.Facts{Actor: "sandbox"})
	for _, s := range sponsors {
		for _, credential := range s.Credentials {
			if _, err := db.Client(ctx, credential.ID); err == nil {
				continue
			}
			client := auth.Client{ID: credential.ID, Name: s.Name, Contract: s.Contract, Enabled: true, MaxJobs: maxJobs, Sandbox: true}
			for i, secret := range credential.Secrets {
				hash, err := auth.HashPublishedSecret(secret)
				if err != nil {
					return fmt.Errorf("the secret of client %s: %w", credential.ID, err)
				}
				client.Secrets = append(client.Secrets, auth.Secret{ID: fmt.Sprintf("tutorial-%d", i+1), Hash: hash, Created: time.Now()})
			}
			if err := db.AddClient(ctx, client); err != nil && !errors.Is(err, auth.ErrClientTaken) {
				return err
			}
		}
	}
	return nil
}

// printedClient is a client whose secret is new at each start of the sandbox.
type printedClient struct {
	synth.Credential
	contract string
}

// addPrintedClients gives each contract a client with a random secret.
func addPrintedClients(ctx context.Context, db *store.DB, contracts []string, maxJobs int) ([]printedClient, error) {
	ctx = audit.With(ctx, &audit.Facts{Actor: "sandbox"})
	var added []printedClient
	for _, contract := range contracts {
		id := "sandbox-" + contract
		secret, hash := auth.NewSecret()
		secrets := []auth.Secret{{ID: "printed", Hash: hash, Created: time.Now()}}
		err := db.AddClient(ctx, auth.Client{ID: id, Name: contract, Contract: contract, Enabled: true, MaxJobs: maxJobs, Sandbox: true, Secrets: secrets})
		if errors.Is(err, auth.ErrClientTaken) {
			_, err = db.ChangeClient(ctx, id, audit.Entry{Event: audit.SecretAdded, Detail: "secret printed"}, func(c *auth.Client) error {
				c.Secrets = secrets
				return nil
			})
		}
		if err != nil {
			return nil, err
		}
		added = append(added, printedClient{synth.Credential{ID: id, Secrets: []string{secret}}, contract})
	}
	return added, nil
}

// foreignState is the error for a database that is not a sandbox's.
func foreignState(ctx context.Context, db *store.DB, synthetic bool) error {
	clients, err := db.Clients(ctx, "")
	if err != nil {
		return err
	}
	var others []string
	for _, c := range clients {
		if !c.Sandbox {
			others = append(others, c.ID)
		}
	}
	imported, err := db.Imported(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(others) > 0:
		return &usageError{fmt.Errorf("the database has %s that the sandbox did not add (%s); use ab2d serve, or another --data for the sandbox",
			plural(len(others), "client"), strings.Join(others[:min(len(others), 5)], ", "))}
	case synthetic && imported:
		return &usageError{errors.New("the database has imported contracts, enrollment or claims; to export them, use ab2d sandbox --claims=store: " +
			"or ab2d serve, or give the sandbox another --data")}
	}
	return nil
}

// plural is "1 client" or "3 clients".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
