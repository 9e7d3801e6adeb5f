package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

const (
	// secretMark begins each secret that NewSecret made. By it a secret is known
	// without a look at a client, and scanners find one that was published.
	secretMark = "ab2ds_"
	// fastMark begins the hash of such a secret.
	fastMark = "hmac-sha256$"
	// saltBytes is the length of the key of such a hash.
	saltBytes = 16
)

// NewSecret makes a secret of 260 random bits and the hash under which it is kept:
// its HMAC-SHA256 with a random key, which is stored beside it. Nobody can guess so
// many bits, however fast the hash is.
func NewSecret() (secret, hash string) {
	secret = secretMark + rand.Text() + rand.Text()
	key := make([]byte, saltBytes)
	rand.Read(key) // never fails
	return secret, fastMark + base64.RawStdEncoding.EncodeToString(key) + "$" + base64.RawStdEncoding.EncodeToString(fastHash(key, secret))
}

func fastHash(key []byte, secret string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(secret))
	return h.Sum(nil)
}

// isMade tells whether a secret has the form of those that NewSecret makes.
func isMade(secret string) bool {
	return strings.HasPrefix(secret, secretMark) && len(secret) == len(secretMark)+2*26
}

// checkMade finds the client's live secret that this is, of those that NewSecret
// made; nil when it is none. It takes some microseconds.
func (c *Client) checkMade(secret string, now time.Time) *Secret {
	live := c.Live(now)
	for i := range live {
		key, sum, ok := strings.Cut(strings.TrimPrefix(live[i].Hash, fastMark), "$")
		if !ok || !strings.HasPrefix(live[i].Hash, fastMark) {
			continue
		}
		k, err := base64.RawStdEncoding.DecodeString(key)
		want, e := base64.RawStdEncoding.DecodeString(sum)
		if err == nil && e == nil && hmac.Equal(fastHash(k, secret), want) {
			return &live[i]
		}
	}
	return nil
}
