package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// statisticsCommand is ab2d sandbox statistics.
type statisticsCommand struct {
	populationConfig
	Contract string `help:"Only this contract." placeholder:"NUMBER"`
}

// Run counts the population and its claims.
func (c *statisticsCommand) Run(ctx context.Context, s streams) error {
	_, set, err := c.dataset(c.Contract)
	if err != nil {
		return err
	}
	counted, err := set.Statistics(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "As of %s, seed %d, contracts %v\n\n", fhir.FormatInstant(c.AsOf), c.Seed, set.Contracts())
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	writePeople(w, counted)
	writeClaimStatistics(w, counted)
	return w.Flush()
}

// share writes a count and what share of all it is.
func share(w io.Writer, name string, n, of int) {
	fmt.Fprintf(w, "%s\t%d\t%.1f %%\n", name, n, 100*float64(n)/float64(max(1, of)))
}

func writePeople(w io.Writer, t *synth.Statistics) {
	fmt.Fprintf(w, "People\t%d\n", t.People)
	share(w, "  women", t.Women, t.People)
	share(w, "  under 65 in 2020", t.Under65, t.People)
	share(w, "  dead", t.Dead, t.People)
	share(w, "    of them after hospice care", t.InHospice, t.Dead)
	share(w, "  opted out", t.OptedOut, t.People)
	share(w, "  moved to another sponsor", t.Moved, t.People)
	share(w, "  with a historic MBI", t.NewMBI, t.People)
	share(w, "  without any claim", t.NoClaims, t.People)
	fmt.Fprintln(w, "Chronic conditions")
	byCount := slices.SortedFunc(maps.Keys(t.Conditions), func(a, b string) int { return t.Conditions[b] - t.Conditions[a] })
	for _, name := range byCount {
		share(w, "  "+name, t.Conditions[name], t.People)
	}
	for i, name := range []string{"none or one", "two or three", "four or five", "six or more"} {
		share(w, "  "+name, t.HowMany[i], t.People)
	}
}

func writeClaimStatistics(w io.Writer, t *synth.Statistics) {
	fmt.Fprintf(w, "Claims, all versions\t%d\n", t.Claims)
	for c := coverage.Carrier; c <= coverage.SNF; c++ {
		share(w, "  "+c.String(), t.ByType[c.String()], t.Claims)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Withheld)) {
		share(w, "  never to leave: "+name, t.Withheld[name], t.Claims)
	}
	fmt.Fprintf(w, "Claims, versions together\t%d\n", t.Groups)
	for i, name := range []string{"one version", "two versions", "three versions"} {
		share(w, "  "+name, t.ByVersion[i], t.Groups)
	}
	share(w, "  canceled outright", t.Canceled, t.Groups)
	share(w, "Stamped by the bulk reload", t.Reloaded, t.Claims)
	share(w, "With a stamp that another has too", t.Shared, t.Claims)
	fmt.Fprintf(w, "Stays in hospital\t%d\n", t.Stays)
	fmt.Fprintln(w, "Distribution\tp10\tp50\tp90\tp99\tmost")
	for _, d := range []struct {
		name string
		list []int
	}{{"  claims of a person", t.PerPerson}, {"  days to the first load", t.Lateness}, {"  lines of a claim", t.Lines}, {"  diagnoses of a claim", t.Diagnoses}} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\n", d.name, synth.Percentile(d.list, 10), synth.Percentile(d.list, 50),
			synth.Percentile(d.list, 90), synth.Percentile(d.list, 99), synth.Percentile(d.list, 100))
	}
}
