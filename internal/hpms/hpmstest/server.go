package hpmstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// The credentials that the stand-in takes.
const (
	User   = "CDA-AB2D-API"
	KeyID  = "test-key"
	Secret = "test-secret-of-hpms"
)

// Contract is a contract as the stand-in holds it.
type Contract struct {
	Number, Sponsor string
	Attested        bool
	AttestationDate string // "2020-03-01 9:05:00"
	EndDate         string
	NoStatus        bool // its status is an empty list
}

// Request is one that the stand-in got.
type Request struct {
	Method, Path, Contract string
	Header                 http.Header
}

// Server is the stand-in. It is an http.Handler, and safe for concurrent use.
type Server struct {
	mu        sync.Mutex
	contracts []Contract
	fault     Fault
	hits      int // calls that the fault is about
	tokens    int // that were given; only the last one is good
	requests  []Request
}

// New gives a stand-in that holds contracts.
func New(contracts ...Contract) *Server { return &Server{contracts: contracts} }

// Put replaces all contracts.
func (s *Server) Put(contracts ...Contract) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contracts = contracts
}

// Requests gives the requests since it was called last.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.requests
	s.requests = nil
	return list
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	contract := r.URL.Query().Get("contractId")
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, contract, r.Header})
	fault := s.due(r.URL.Path)
	if fault.Mode == Forget {
		s.tokens++
	}
	s.mu.Unlock()
	if fault.instead(w, r) {
		return
	}
	if fault.Mode == Other {
		contract = "S9999"
	}
	status, body := s.answer(w, r, contract)
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // the types always encode
	}
	fault.send(w, r, b)
}

// answer gives what a call answers when nothing fails.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, contract string) (status int, body any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /api/idm/OAuth/AMMtoken":
		return s.grant(w, r)
	case "GET /api/cda_v2/v2/orgs/info":
		list := []any{}
		for i, c := range s.contracts {
			list = append(list, map[string]any{"parentOrgName": c.Sponsor, "parentOrgId": i + 1, "contractId": c.Number,
				"contractName": "Contract " + c.Number, "orgMarketingName": c.Sponsor + " Plans", "orgType": "a field that nobody knows"})
		}
		body = list
	case "GET /api/cda_v2/v2/contracts/status":
		body = s.status(contract)
	default:
		return http.StatusNotFound, nil
	}
	cookie, err := r.Cookie("gateway")
	if err != nil || cookie.Value != "7" || r.Header.Get("X-API-CONSUMER-ID") != KeyID || r.Header.Get("Authorization") != s.token() {
		return http.StatusUnauthorized, nil
	}
	return http.StatusOK, body
}

// token is the one that is good now.
func (s *Server) token() string { return fmt.Sprintf("token-of-hpms-%d", s.tokens) }

// grant answers a request for a token.
func (s *Server) grant(w http.ResponseWriter, r *http.Request) (status int, body any) {
	var ask struct{ UserName, KeyID, KeySecret, Scopes string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || ask.UserName != User || ask.KeyID != KeyID || ask.Scopes != "cda_org_att" {
		return http.StatusBadRequest, nil
	}
	if ask.KeySecret != Secret {
		return http.StatusForbidden, nil
	}
	s.tokens++
	http.SetCookie(w, &http.Cookie{Name: "gateway", Value: "7", Path: "/api/idm", HttpOnly: true, Secure: true})
	return http.StatusOK, map[string]any{"accessToken": s.token(), "expires": 3600}
}

// status is the answer for a contract.
func (s *Server) status(contract string) []any {
	for _, c := range s.contracts {
		if c.Number != contract || c.NoStatus {
			continue
		}
		status := map[string]any{"contractId": c.Number, "attested": c.Attested, "attestationDate": nil, "endDate": nil}
		if c.AttestationDate != "" {
			status["attestationDate"] = c.AttestationDate
		}
		if c.EndDate != "" {
			status["endDate"] = c.EndDate
		}
		return []any{status}
	}
	if contract == "S9999" {
		return []any{map[string]any{"contractId": contract, "attested": false}}
	}
	return []any{}
}
