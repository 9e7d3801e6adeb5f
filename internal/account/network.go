package account

import (
	"fmt"
	"net/netip"
	"slices"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// Networks asks for other networks.
type Networks struct {
	Networks *[]string `json:"networks"` // CIDR, or single addresses; none: from anywhere
}

// setNetworks changes from where the client may come. What goes beyond the networks that
// an operator set waits for an operator.
func (h *handler) setNetworks(c call) (int, any, error) {
	n, err := read[Networks](c)
	if err != nil {
		return 0, nil, err
	}
	if n.Networks == nil {
		return 0, nil, rest.InvalidField("networks", "it is missing. Give a list of networks; an empty one allows all.")
	}
	networks, err := admin.ParseNetworks(*n.Networks)
	if err != nil {
		return 0, nil, err
	}
	if from := obs.CallerOf(c.Context()); len(networks) > 0 && !contains(networks, netip.PrefixFrom(from, from.BitLen())) {
		return 0, nil, rest.Conflict("This request comes from %s, which is in none of these networks: the client would lock itself out. Send it from an address that stays allowed.", from)
	}
	if !partOf(networks, c.client.OperatorNetworks) {
		return h.ask(c, admin.RequestNetworks, admin.ClientFields{Networks: n.Networks})
	}
	_, err = h.Store.ChangeClient(c.Context(), c.client.ID, audit.Entry{Event: audit.ClientChanged, Detail: "networks " + line(networks)}, func(client *auth.Client) error {
		if !partOf(networks, client.OperatorNetworks) {
			return rest.Conflict("An operator changed the networks in the meantime. Look at them, and try again.")
		}
		client.Networks = networks
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return h.show(c)
}

// partOf tells whether each of the networks is a part of one of the others. No networks
// are all of them.
func partOf(networks, others []netip.Prefix) bool {
	if len(others) == 0 {
		return true
	}
	return len(networks) > 0 && !slices.ContainsFunc(networks, func(n netip.Prefix) bool { return !contains(others, n) })
}

// contains tells whether a network is a part of one of a list.
func contains(list []netip.Prefix, n netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) })
}

func line(networks []netip.Prefix) string {
	if len(networks) == 0 {
		return "anywhere"
	}
	return fmt.Sprint(networks)
}
