package daemon

import (
	"context"
	"time"

	"github.com/sentei/sentei/exporters/notify"
)

// deliveryTimeout bounds one try.
const deliveryTimeout = 2 * time.Minute

// Deliver hands a message to a channel once.
func Deliver(ctx context.Context, c Channel, m *notify.Message) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	return c.Deliver(ctx, m)
}
