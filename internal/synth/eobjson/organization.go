package eobjson

import (
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
)

// organizationName writes the organization's name.
func (w *Buffer) organizationName(o population.Organization) {
	w.text(codes.Organizations[o.Kind].Name, o.Home.Postal, "-")
	w.digits(uint64(o.N+1), 3)
}

// ccn writes the CMS certification number: SSA state code and four digits.
func (w *Buffer) ccn(o population.Organization) {
	w.text(o.Home.SSA)
	w.digits(uint64(codes.Organizations[o.Kind].CCN+o.N), 4)
}
