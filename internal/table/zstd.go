package table

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// zstdWindow is how far back a compressed page refers at most. A page has about a
// quarter of a mebibyte, so more would find nothing.
const zstdWindow = 512 << 10

// zstdCodec compresses pages as the codec of parquet-go does, in a fraction of the
// memory: that one has a window of 8 MiB, twice, in each of several encoders of each
// table, which was two thirds of all memory. Safe for concurrent use; only one page is
// compressed at a time.
type zstdCodec struct {
	parquetzstd.Codec
	encoder *zstd.Encoder
}

var _ compress.Codec = (*zstdCodec)(nil)

func newZstdCodec() (*zstdCodec, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithZeroFrames(true),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("prepare compressing: %w", err)
	}
	return &zstdCodec{encoder: e}, nil
}

// Encode compresses a page.
func (c *zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}
