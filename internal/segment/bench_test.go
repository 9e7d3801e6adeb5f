package segment

import (
	"bufio"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// segments builds n different segments of about 100 KB plain each.
func segments(b *testing.B, n int) (list []Segment, plain int64) {
	builder := newBuilder(b, 3)
	for seed := range n {
		s, _ := newEnrollee(uint64(seed)).build(b, builder)
		list = append(list, s)
		plain += s.Length
	}
	return list, plain
}

// BenchmarkJoin joins 10,000 segments, 500 different ones, into a file: MB/s
// of inflated bytes.
func BenchmarkJoin(b *testing.B) {
	list, plain := segments(b, 500)
	const rounds = 20
	j := newJoiner(b, 3)
	to := bufio.NewWriterSize(io.Discard, 256<<10)
	b.SetBytes(rounds * plain)
	b.ReportAllocs()
	for b.Loop() {
		j.Reset(to)
		for n := range rounds * len(list) {
			if err := j.Segment(list[n%len(list)]); err != nil {
				b.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N*rounds*len(list)), "us/segment")
}

// BenchmarkWrite compares plain bytes with the gzip writer they replace.
func BenchmarkWrite(b *testing.B) {
	var plain [][]byte
	var length int64
	for seed := range uint64(100) {
		p := newEnrollee(seed).plain()
		plain, length = append(plain, p), length+int64(len(p))
	}
	for _, level := range []int{1, 3, 5} {
		z, err := gzip.NewWriterLevel(io.Discard, level)
		if err != nil {
			b.Fatal(err)
		}
		for _, w := range []interface {
			io.WriteCloser
			Reset(io.Writer)
		}{z, newJoiner(b, level)} {
			b.Run(fmt.Sprintf("level=%d/%T", level, w), func(b *testing.B) {
				b.SetBytes(length)
				b.ReportAllocs()
				for b.Loop() {
					w.Reset(io.Discard)
					for _, p := range plain {
						if _, err := w.Write(p); err != nil {
							b.Fatal(err)
						}
					}
					if err := w.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, level := range []int{1, 3, 5, 6} {
		b.Run(fmt.Sprintf("level=%d", level), func(b *testing.B) {
			builder := newBuilder(b, level)
			var list []*enrollee
			for seed := range uint64(50) {
				list = append(list, newEnrollee(seed))
			}
			b.ReportAllocs()
			var plain, stored int64
			for i := 0; b.Loop(); i++ {
				s, _ := list[i%len(list)].build(b, builder)
				plain, stored = plain+s.Length, stored+int64(len(s.Deflate))
			}
			b.ReportMetric(float64(plain)/b.Elapsed().Seconds()/1e6, "MB/s")
			b.ReportMetric(float64(plain)/float64(stored), "ratio")
		})
	}
}

func BenchmarkInflate(b *testing.B) {
	list, plain := segments(b, 100)
	var i Inflater
	var dst []byte
	b.SetBytes(plain)
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range list {
			var err error
			if dst, err = i.Inflate(dst[:0], s); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	_, x := newEnrollee(1).build(b, newBuilder(b, 1))
	data := x.Marshal(nil)
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data = x.Marshal(data[:0])
		}
		b.ReportMetric(float64(len(data))/float64(len(x)), "B/entry")
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		var x Index
		for b.Loop() {
			if err := x.Unmarshal(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
