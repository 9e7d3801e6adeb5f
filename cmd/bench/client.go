package main

import "path/filepath"

// clients measures ab2d export of the large sponsor: the download alone, and with tables.
func (b *bench) clients() error {
	data, err := b.fresh("clients")
	if err != nil {
		return err
	}
	s, err := b.start("--data=" + data)
	if err != nil {
		return err
	}
	for _, format := range []string{"ndjson", "parquet"} {
		out, err := b.fresh("folder")
		if err != nil {
			return err
		}
		args := []string{"export", "--url=" + s.url, "--sponsor=" + largeSponsor, "--format=" + format, "--out=" + filepath.Join(out, format)}
		name := "ab2d export of 10,000 enrollees"
		bound := 60.0
		if format == "parquet" {
			args, name, bound = append(args, "--latest"), name+", Parquet tables of all and of the newest versions", 150
		}
		seconds, peak, err := b.timed(args...)
		if err != nil {
			return err
		}
		b.note(name, seconds, "s", "")
		b.add(name+", memory", peak, "MB", false, bound, "")
	}
	return s.stop()
}
