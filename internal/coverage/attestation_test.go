package coverage

import "testing"

// TestAttestation: the last event of a history decides, and no earlier day is
// remembered.
func TestAttestation(t *testing.T) {
	given := func(day Date) AttestationEvent {
		return AttestationEvent{Kind: AttestationGiven, Effective: day, Source: FromHPMS}
	}
	lapsed := AttestationEvent{Kind: AttestationLapsed, Effective: 900, Source: FromHPMS}
	withdrawn := AttestationEvent{Kind: AttestationWithdrawn, Effective: 900, Source: FromOperator}
	for name, c := range map[string]struct {
		history  []AttestationEvent
		day      Date
		attested bool
	}{
		"no history":                {nil, 0, false},
		"attested":                  {[]AttestationEvent{given(100)}, 100, true},
		"moved to a later day":      {[]AttestationEvent{given(100), given(200)}, 200, true},
		"moved to an earlier day":   {[]AttestationEvent{given(200), given(100)}, 100, true},
		"lapsed":                    {[]AttestationEvent{given(100), lapsed}, 0, false},
		"withdrawn":                 {[]AttestationEvent{given(100), withdrawn}, 0, false},
		"returned with a later day": {[]AttestationEvent{given(100), lapsed, given(1000)}, 1000, true},
		"returned with its old day": {[]AttestationEvent{given(100), lapsed, given(100)}, 100, true},
		"returned and lapsed again": {[]AttestationEvent{given(100), lapsed, given(1000), lapsed}, 0, false},
		"lapsed without ever being": {[]AttestationEvent{lapsed}, 0, false},
		"day zero is a day":         {[]AttestationEvent{given(0)}, 0, true},
	} {
		if day, attested := Attestation(c.history); day != c.day || attested != c.attested {
			t.Errorf("%s: got %d, %t; want %d, %t", name, day, attested, c.day, c.attested)
		}
	}
}

// TestStatement_Effect: what HPMS says against what was recorded last.
func TestStatement_Effect(t *testing.T) {
	event := func(k AttestationKind, s AttestationSource) *AttestationEvent {
		return &AttestationEvent{Kind: k, Effective: 100, Source: s}
	}
	silent, none := Statement{}, Statement{Known: true, Day: 500}
	same, other := Statement{Known: true, Attested: true, Day: 100}, Statement{Known: true, Attested: true, Day: 300}
	for name, c := range map[string]struct {
		last *AttestationEvent
		says Statement
		want StatementEffect
	}{
		"never attested, says nothing":      {nil, silent, AttestationStays},
		"never attested, says not":          {nil, none, AttestationStays},
		"never attested, says attested":     {nil, same, AttestationFirst},
		"attested, says nothing":            {event(AttestationGiven, FromHPMS), silent, AttestationStays},
		"attested, says the same":           {event(AttestationGiven, FromHPMS), same, AttestationStays},
		"attested, says another day":        {event(AttestationGiven, FromHPMS), other, AttestationMoves},
		"attested, says not":                {event(AttestationGiven, FromHPMS), none, AttestationLapses},
		"attested by operator, says not":    {event(AttestationGiven, FromOperator), none, AttestationLapses},
		"attested before there was history": {event(AttestationGiven, FromMigration), same, AttestationStays},
		"lapsed, says nothing":              {event(AttestationLapsed, FromHPMS), silent, AttestationStays},
		"lapsed, says not":                  {event(AttestationLapsed, FromHPMS), none, AttestationStays},
		"lapsed, says attested":             {event(AttestationLapsed, FromHPMS), other, AttestationReturns},
		"lapsed, says the old day":          {event(AttestationLapsed, FromHPMS), same, AttestationReturns},
		"withdrawn by a file":               {event(AttestationWithdrawn, FromFile), other, AttestationReturns},
		"withdrawn by an operator":          {event(AttestationWithdrawn, FromOperator), other, AttestationHeld},
		"withdrawn by an operator, and not": {event(AttestationWithdrawn, FromOperator), none, AttestationStays},
	} {
		if got := c.says.Effect(c.last); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
