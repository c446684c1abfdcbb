package imagefile

import (
	"context"

	"github.com/bakelite/bakelite/internal/disk"
)

// rawBlock is how many bytes are read and left out as a hole at a time.
const rawBlock = 64 << 10

func writeRaw(ctx context.Context, s *sink, m disk.Image, _ Meta) error {
	for b, err := range m.Blocks(ctx, rawBlock) {
		if err != nil {
			return err
		}
		if err := s.skip(ctx, b.Offset); err != nil {
			return err
		}
		if err := s.write(b.Data); err != nil {
			return err
		}
	}
	return s.skip(ctx, m.Size())
}
