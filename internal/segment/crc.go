package segment

// CRC-32 as of RFC 1952 §8: polynomials over GF(2) modulo the one of IEEE
// 802.3. Bits are reflected: the highest bit is the coefficient of x^0.
const (
	crcPolynomial = 0xedb88320
	crcOne        = 1 << 31 // the polynomial 1
	crcX          = 1 << 30 // the polynomial x
)

// crcPowers holds x^(2^n). The powers repeat after 32, because the modulus is
// primitive: x^(2^32) is x again.
var crcPowers = func() (p [32]uint32) {
	p[0] = crcX
	for n := 1; n < len(p); n++ {
		p[n] = crcMultiply(p[n-1], p[n-1])
	}
	return p
}()

// combine returns the CRC-32 of two pieces of data, one after the other, from
// the CRC-32 of each and the length of the second in bytes. To append len2 bytes
// is to multiply by x^(8*len2); what pre- and post-conditioning add to both
// sides cancels out.
func combine(crc1, crc2 uint32, len2 int64) uint32 {
	shift := uint32(crcOne)
	for n := 3; len2 > 0; n++ { // a byte is x^8 = x^(2^3)
		if len2&1 != 0 {
			shift = crcMultiply(crcPowers[n%len(crcPowers)], shift)
		}
		len2 >>= 1
	}
	return crcMultiply(shift, crc1) ^ crc2
}

// crcMultiply returns a times b modulo the polynomial.
func crcMultiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		// Masks and no branches: the bits are as good as random.
		product ^= b & -(a >> 31)
		b = b>>1 ^ crcPolynomial&-(b&1)
	}
	return product
}
