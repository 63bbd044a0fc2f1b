/* See shim.h. Nothing here keeps state: what a call needs, it is given. */
#include "shim.h"

#include <errno.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Some calls give -1 and leave the reason in rte_errno, some the reason itself. */
static int reason(int result)
{
	if (result != -1)
		return result;
	return rte_errno > 0 ? -rte_errno : -EIO;
}

int tercel_eal_init(int argc, char **argv)
{
	int result;

	/* Or libxdp wraps its program into one that may hold those of others too, of which nobody
	 * can tell after a crash whether it is still needed. Who has set it keeps it. */
	setenv("LIBXDP_SKIP_DISPATCHER", "1", 0);
	result = rte_eal_init(argc, argv);
	return result < 0 ? -(rte_errno > 0 ? rte_errno : EIO) : 0;
}

int tercel_eal_cleanup(void)
{
	return rte_eal_cleanup();
}

const char *tercel_dpdk_version(void)
{
	return rte_version();
}

const char *tercel_dpdk_plugins(void)
{
	return RTE_EAL_PMD_PATH;
}

const char *tercel_dpdk_runtime_folder(void)
{
	return rte_eal_get_runtime_dir();
}

int tercel_has_bus(const char *name)
{
	return rte_bus_find_by_name(name) != NULL;
}

int tercel_has_pool(const char *name)
{
	uint32_t i;
	for (i = 0; i < rte_mempool_ops_table.num_ops; i++)
		if (strcmp(rte_mempool_ops_table.ops[i].name, name) == 0)
			return 1;
	return 0;
}

int tercel_device_probe(const char *arguments)
{
	return reason(rte_dev_probe(arguments));
}

int tercel_port_named(const char *name, uint16_t *port)
{
	return rte_eth_dev_get_port_by_name(name, port);
}

int tercel_port_info(uint16_t port, struct tercel_info *out)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	int result = rte_eth_dev_info_get(port, &info);
	int node = rte_eth_dev_socket_id(port);

	memset(out, 0, sizeof(*out));
	if (result == 0)
		result = rte_eth_macaddr_get(port, &mac);
	if (result != 0)
		return result;
	snprintf(out->driver, sizeof(out->driver), "%s", info.driver_name);
	out->numa_node = node < 0 ? UINT32_MAX : (uint32_t)node;
	out->max_frame = info.max_rx_pktlen == UINT32_MAX ? 0 : info.max_rx_pktlen;
	out->min_mtu = info.min_mtu;
	out->max_mtu = info.max_mtu;
	out->scatter = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
	out->stamps = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0;
	out->multi_tx = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	memcpy(out->mac, mac.addr_bytes, sizeof(out->mac));
	return 0;
}

int tercel_stamp_field(int *offset, uint64_t *flag)
{
	return rte_mbuf_dyn_rx_timestamp_register(offset, flag) == 0 ? 0 : reason(-1);
}

int tercel_port_configure(uint16_t port, struct tercel_setup *setup)
{
	struct rte_eth_conf conf;
	struct rte_eth_dev_info info;
	struct rte_eth_rxconf receive;
	struct rte_eth_txconf transmit;
	int socket = rte_eth_dev_socket_id(port);
	int result = rte_eth_dev_info_get(port, &info);

	if (result != 0)
		return result;
	memset(&conf, 0, sizeof(conf));
	conf.rxmode.mtu = setup->mtu;
	if (setup->scatter)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (setup->stamps)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	if ((result = rte_eth_dev_configure(port, 1, 1, &conf)) != 0)
		return result;
	result = rte_eth_dev_adjust_nb_rx_tx_desc(port, &setup->receive_slots,
						  &setup->transmit_slots);
	if (result != 0)
		return result;
	receive = info.default_rxconf;
	receive.offloads = conf.rxmode.offloads;
	transmit = info.default_txconf;
	transmit.offloads = conf.txmode.offloads;
	result = rte_eth_rx_queue_setup(port, 0, setup->receive_slots, socket, &receive,
					setup->pool);
	if (result != 0)
		return result;
	return rte_eth_tx_queue_setup(port, 0, setup->transmit_slots, socket, &transmit);
}

int tercel_port_isolate(uint16_t port)
{
	struct rte_flow_error error;
	return reason(rte_flow_isolate(port, 1, &error));
}

int tercel_port_start(uint16_t port)
{
	return rte_eth_dev_start(port);
}

int tercel_port_promiscuous(uint16_t port)
{
	return rte_eth_promiscuous_enable(port);
}

int tercel_port_all_multicast(uint16_t port)
{
	return rte_eth_allmulticast_enable(port);
}

int tercel_port_is_promiscuous(uint16_t port)
{
	return rte_eth_promiscuous_get(port);
}

int tercel_port_is_all_multicast(uint16_t port)
{
	return rte_eth_allmulticast_get(port);
}

int tercel_port_groups(uint16_t port, const uint8_t *macs, uint32_t count)
{
	/* An address is six bytes without alignment of its own beyond two; see the caller. */
	return rte_eth_dev_set_mc_addr_list(port, (struct rte_ether_addr *)(uintptr_t)macs, count);
}

int tercel_port_flow(uint16_t port, uint32_t address, uint16_t udp_port, char *why, size_t room)
{
	struct rte_flow_attr attributes = { .ingress = 1 };
	struct rte_flow_item_ipv4 ip = { .hdr.dst_addr = rte_cpu_to_be_32(address) };
	struct rte_flow_item_ipv4 ip_mask = { .hdr.dst_addr = RTE_BE32(UINT32_MAX) };
	struct rte_flow_item_udp udp = { .hdr.dst_port = rte_cpu_to_be_16(udp_port) };
	struct rte_flow_item_udp udp_mask = { .hdr.dst_port = RTE_BE16(UINT16_MAX) };
	struct rte_flow_item pattern[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &ip, .mask = &ip_mask },
		{ .type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &udp_mask },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	struct rte_flow_action_queue queue = { .index = 0 };
	struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_error error = { 0 };
	int result = rte_flow_validate(port, &attributes, pattern, actions, &error);

	if (result == 0) {
		if (rte_flow_create(port, &attributes, pattern, actions, &error) != NULL)
			return 0;
		result = -1;
	}
	result = reason(result);
	snprintf(why, room, "%s", error.message != NULL ? error.message : rte_strerror(-result));
	return result;
}

int tercel_port_link(uint16_t port, struct tercel_link *out)
{
	struct rte_eth_link link;
	int result;

	memset(&link, 0, sizeof(link));
	result = rte_eth_link_get_nowait(port, &link);
	out->megabits = link.link_speed;
	out->up = link.link_status == RTE_ETH_LINK_UP;
	out->full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	return result;
}

int tercel_port_statistics(uint16_t port, struct tercel_statistics *out)
{
	struct rte_eth_stats stats;
	int result;

	memset(&stats, 0, sizeof(stats));
	result = rte_eth_stats_get(port, &stats);
	out->received = stats.ipackets;
	out->sent = stats.opackets;
	out->received_bytes = stats.ibytes;
	out->sent_bytes = stats.obytes;
	out->missed = stats.imissed;
	out->no_buffer = stats.rx_nombuf;
	out->receive_errors = stats.ierrors;
	out->transmit_errors = stats.oerrors;
	return result;
}

int tercel_port_close(uint16_t port)
{
	struct rte_eth_dev_info info;
	int found = rte_eth_dev_info_get(port, &info);
	int stopped = rte_eth_dev_stop(port);
	int closed = rte_eth_dev_close(port);
	int removed = found == 0 ? rte_dev_remove(info.device) : found;

	return closed != 0 ? closed : removed != 0 ? removed : stopped;
}

/*
 * As rte_pktmbuf_pool_create does it, but without a gap where a buffer would cross the end of a
 * page. net_af_xdp registers so many bytes as the buffers have without gaps: those behind would be
 * refused by the kernel, each once and for good, until the queue stands still.
 */
static struct rte_mempool *packed_pool(const char *name, uint32_t buffers, uint16_t bytes, int numa_node)
{
	struct rte_pktmbuf_pool_private room = {
		.mbuf_data_room_size = bytes + RTE_PKTMBUF_HEADROOM,
	};
	struct rte_mempool *pool = rte_mempool_create_empty(
		name, buffers, sizeof(struct rte_mbuf) + room.mbuf_data_room_size,
		RTE_MIN(buffers / 8, 256u), sizeof(room), numa_node, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	int error;

	if (pool == NULL)
		return NULL;
	error = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (error == 0) {
		rte_pktmbuf_pool_init(pool, &room);
		error = RTE_MIN(rte_mempool_populate_default(pool), 0);
	}
	if (error != 0) {
		rte_mempool_free(pool);
		rte_errno = -error;
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

void *tercel_pool_new(const char *name, uint32_t buffers, uint16_t bytes, int numa_node, int packed,
		      int *error)
{
	struct rte_mempool *pool =
		packed ? packed_pool(name, buffers, bytes, numa_node) :
			 rte_pktmbuf_pool_create(name, buffers, RTE_MIN(buffers / 8, 256u), 0,
						 bytes + RTE_PKTMBUF_HEADROOM, numa_node);

	*error = pool != NULL ? 0 : rte_errno;
	return pool;
}

void tercel_pool_free(void *pool)
{
	rte_mempool_free(pool);
}

uint32_t tercel_pool_chunks(const void *pool)
{
	return ((const struct rte_mempool *)pool)->nb_mem_chunks;
}

uint32_t tercel_pool_available(const void *pool)
{
	return rte_mempool_avail_count(pool);
}

uint16_t tercel_receive(uint16_t port, struct tercel_frame *frames, uint16_t max, int offset,
			uint64_t flag)
{
	struct rte_mbuf *mbufs[64];
	uint16_t count = rte_eth_rx_burst(port, 0, mbufs, RTE_MIN(max, (uint16_t)64));
	uint16_t i;

	for (i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = mbufs[i];
		uint16_t damaged = 0;

		rte_prefetch0(rte_pktmbuf_mtod(mbuf, void *));
		if (unlikely(mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED))
			damaged = rte_vlan_insert(&mbuf) != 0;
		frames[i].mbuf = mbuf;
		frames[i].data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		frames[i].stamp = (mbuf->ol_flags & flag) != 0
			? *RTE_MBUF_DYNFIELD(mbuf, offset, rte_mbuf_timestamp_t *) : 0;
		frames[i].len = rte_pktmbuf_pkt_len(mbuf);
		frames[i].segments = mbuf->nb_segs;
		frames[i].damaged = damaged;
	}
	return count;
}

void tercel_release(const struct tercel_frame *frames, uint16_t count)
{
	struct rte_mbuf *mbufs[64];
	uint16_t i, some;

	for (; count > 0; count -= some, frames += some) {
		some = RTE_MIN(count, (uint16_t)64);
		for (i = 0; i < some; i++)
			mbufs[i] = frames[i].mbuf;
		rte_pktmbuf_free_bulk(mbufs, some);
	}
}

int64_t tercel_gather(const void *mbuf, uint8_t *to, uint32_t room)
{
	const struct rte_mbuf *segment = mbuf;
	uint32_t len = 0;

	for (; segment != NULL; segment = segment->next) {
		uint32_t part = rte_pktmbuf_data_len(segment);

		if (part > room - len)
			return -1;
		memcpy(to + len, rte_pktmbuf_mtod(segment, const void *), part);
		len += part;
	}
	return len;
}

void *tercel_buffer(uint16_t port, void *pool, uint8_t **data, uint32_t *room)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	if (unlikely(mbuf == NULL)) {
		/* What was sent may wait to be given back. Not every device can be asked. */
		rte_eth_tx_done_cleanup(port, 0, 0);
		mbuf = rte_pktmbuf_alloc(pool);
		if (mbuf == NULL)
			return NULL;
	}
	*data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	*room = rte_pktmbuf_tailroom(mbuf);
	return mbuf;
}

void tercel_buffer_free(void *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

int tercel_send(uint16_t port, void *frame, uint32_t len)
{
	struct rte_mbuf *mbuf = frame;

	mbuf->data_len = (uint16_t)len;
	mbuf->pkt_len = len;
	return rte_eth_tx_burst(port, 0, &mbuf, 1);
}
