package obs

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLimiter: in no stretch of time does a key get more events than it may.
func TestLimiter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limiter{Burst: rapid.IntRange(1, 5).Draw(t, "burst"), Interval: time.Second}
		start := time.Unix(1e9, 0)
		now := start
		taken := 0
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "pause")) * time.Millisecond)
			wait, ok := l.Take("a", now)
			if ok {
				taken++
			} else if wait <= 0 || wait > time.Second {
				t.Fatalf("wait %s", wait)
			} else if _, ok := l.Take("a", now.Add(wait)); !ok {
				t.Fatal("after the wait there is none either")
			} else {
				taken++
				now = now.Add(wait)
			}
			if most := l.Burst + int(now.Sub(start)/time.Second); taken > most {
				t.Fatalf("%d taken in %s", taken, now.Sub(start))
			}
		}
	})
}

// TestLimiterWhenTheClockGoesBack: a key has to wait for one event, and not until the
// clock is again where it was.
func TestLimiterWhenTheClockGoesBack(t *testing.T) {
	l, now := Limiter{Burst: 3, Interval: time.Second}, time.Unix(1e9, 0)
	l.Take("a", now)
	now = now.Add(-time.Hour)
	if wait, ok := l.Take("a", now); ok || wait > time.Second {
		t.Errorf("wait %s, %v", wait, ok)
	}
	for i := range 5 {
		now = now.Add(time.Second)
		if _, ok := l.Take("a", now); !ok {
			t.Errorf("nothing left after %d s", i+1)
		}
	}
}

func TestLimiterGivesBackAndForgets(t *testing.T) {
	l, now := Limiter{Burst: 1, Interval: time.Hour}, time.Unix(1e9, 0)
	for range 3 {
		if _, ok := l.Take("a", now); !ok {
			t.Fatal("nothing left")
		}
		l.Give("a")
	}
	for i := range 2 * maxKeys {
		l.Take(fmt.Sprint(i), now)
	}
	if n := len(l.full); n > maxKeys {
		t.Errorf("%d keys are remembered", n)
	}
}
