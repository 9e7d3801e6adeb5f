package main

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// daysFirst is a duration that begins with weeks or days.
var daysFirst = regexp.MustCompile(`^([0-9]{1,9})([wd])(.*)$`)

// parseDuration reads a duration as Go writes it, such as 1h30m, which may begin
// with weeks and days: 3d, 2w, 1w2d12h. A day has 24 hours.
func parseDuration(s string) (time.Duration, error) {
	hours, rest := int64(0), s
	for _, unit := range []struct {
		name  string
		hours int64
	}{{"w", 7 * 24}, {"d", 24}} {
		if m := daysFirst.FindStringSubmatch(rest); m != nil && m[2] == unit.name {
			n, err := strconv.ParseInt(m[1], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the number of %s: %w", unit.name, err)
			}
			hours, rest = hours+n*unit.hours, m[3]
		}
	}
	var d time.Duration
	if rest != "" || hours == 0 && rest == s {
		var err error
		if d, err = time.ParseDuration(rest); err != nil || d < 0 && rest != s {
			return 0, errors.New("write a number with a unit, for example 90s, 15m, 72h, 3d or 2w")
		}
	}
	if hours > int64(math.MaxInt64/time.Hour)-24*366 || d > 24*365*time.Hour && hours > 0 {
		return 0, errors.New("this is too long")
	}
	return time.Duration(hours)*time.Hour + d, nil
}

// durations makes all flags with durations take days and weeks.
func durations() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(func(c *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := c.Scan.PopValueInto("duration", &text); err != nil {
			return err
		}
		d, err := parseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration: %w", text, err)
		}
		target.SetInt(int64(d))
		return nil
	}))
}
