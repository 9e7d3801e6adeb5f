package bfd

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// The longest files that are read, in bytes.
const (
	mostPKCS12   = 1 << 20
	mostPassword = 4 << 10
)

// readPKCS12 reads a key and its certificate from a PKCS#12 file. Other certificates
// in the file are sent with it, as its chain. The password is the first line of
// another file; if there is none, the password is empty. No error has the password.
func readPKCS12(name, passwordFile string) (tls.Certificate, error) {
	store, err := readShort(name, mostPKCS12)
	if err != nil {
		return tls.Certificate{}, err
	}
	password := ""
	if passwordFile != "" {
		text, err := readShort(passwordFile, mostPassword)
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("read the password: %w", err)
		}
		password, _, _ = strings.Cut(string(text), "\n")
		password = strings.TrimSuffix(password, "\r")
	}
	key, first, more, err := pkcs12.DecodeChain(store, password)
	if err != nil {
		return tls.Certificate{}, err
	}
	return pair(key, append([]*x509.Certificate{first}, more...))
}

// pair puts a key and its certificate together. Programs write the certificates of a
// file in different orders.
func pair(key any, certificates []*x509.Certificate) (tls.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, errors.New("the key in the file cannot sign")
	}
	at := slices.IndexFunc(certificates, func(c *x509.Certificate) bool {
		public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && public.Equal(signer.Public())
	})
	if at < 0 {
		return tls.Certificate{}, errors.New("no certificate in the file belongs to the key in it")
	}
	t := tls.Certificate{PrivateKey: key, Leaf: certificates[at], Certificate: [][]byte{certificates[at].Raw}}
	for i, c := range certificates {
		if i != at {
			t.Certificate = append(t.Certificate, c.Raw)
		}
	}
	return t, nil
}

// readShort reads a file of at most limit bytes.
func readShort(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return b, err
}
