package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"time"
)

// encrypted are the flags of a server that encrypts claims and files.
func (b *bench) encrypted() []string {
	return []string{"--data=" + filepath.Join(b.dir, "encrypted"), "--encryption-key-file=" + filepath.Join(b.dir, "encryption-keys")}
}

// importEncrypted imports the claims once more, encrypted, and compares.
func (b *bench) importEncrypted(raw string, plain float64) error {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)) // nothing but the benchmark's own data is encrypted with it
	if err := os.WriteFile(filepath.Join(b.dir, "encryption-keys"), []byte(key), 0o600); err != nil {
		return err
	}
	if _, err := b.fresh("encrypted"); err != nil {
		return err
	}
	where := b.encrypted()
	seconds, err := b.importInto(raw, where...)
	if err != nil {
		return err
	}
	b.ratio("import, encrypted, of the time without encryption", seconds/plain, "", false, 1.3, "")
	return nil
}

// encryptedExports alternates exports and downloads of a server that encrypts with those
// of one that does not, so that both meet the same machine.
func (b *bench) encryptedExports() error {
	names := []string{"plain", "encrypted"}
	servers, seconds, rates := map[string]*server{}, map[string][]float64{}, map[string][]float64{}
	for name, where := range map[string][]string{"plain": {"--data=" + b.storeData()}, "encrypted": b.encrypted()} {
		s, err := b.start(append([]string{"--claims=store:"}, where...)...)
		if err != nil {
			return err
		}
		servers[name] = s
	}
	for range 5 {
		for _, name := range names {
			took, rate, err := b.exportAndDownload(servers[name])
			if err != nil {
				return err
			}
			seconds[name], rates[name] = append(seconds[name], took), append(rates[name], rate)
		}
	}
	b.ratio("export of 10,000 enrollees from the store, encrypted, of the time without encryption", medianOf(seconds["encrypted"])/medianOf(seconds["plain"]), "", false, 1.3,
		number(medianOf(seconds["encrypted"]))+" s and "+number(medianOf(seconds["plain"]))+" s")
	b.ratio("download of stored gzip, encrypted, of the rate without encryption", medianOf(rates["encrypted"])/medianOf(rates["plain"]), "", true, 0.5,
		number(medianOf(rates["encrypted"]))+" MB/s and "+number(medianOf(rates["plain"]))+" MB/s")
	for _, name := range names {
		if err := servers[name].stop(); err != nil {
			return err
		}
	}
	return nil
}

// exportAndDownload tells how many seconds an export takes, and with how many MB/s one of
// its files is downloaded as it is stored.
func (b *bench) exportAndDownload(s *server) (seconds, rate float64, err error) {
	c, err := s.client(largeSponsor, "v2")
	if err != nil {
		return 0, 0, err
	}
	r, err := b.exports(c, 1, beginning)
	if err != nil {
		return 0, 0, err
	}
	token, err := b.tokenOf(s, largeSponsor)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	size, err := b.fetch(r.manifest.Output[1].URL, token, "") // exports has downloaded the first
	return r.seconds, float64(size) / 1e6 / time.Since(began).Seconds(), err
}
