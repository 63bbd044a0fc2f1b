/* The few calls of DPDK that Tercel makes, without DPDK's types. src/raw.rs repeats this file. */
#ifndef TERCEL_DPDK_SHIM_H
#define TERCEL_DPDK_SHIM_H

#include <stddef.h>
#include <stdint.h>

/* A received frame. */
struct tercel_frame {
	void *mbuf;
	const uint8_t *data; /* of the first segment */
	uint64_t stamp;      /* the device's time, or 0 */
	uint32_t len;        /* of all segments */
	uint16_t segments;
	uint16_t damaged;    /* its VLAN tag could not be put back */
};

/* What a device is and offers. */
struct tercel_info {
	char driver[64];
	uint32_t numa_node;  /* UINT32_MAX: unknown */
	uint32_t max_frame;  /* 0: unknown */
	uint16_t min_mtu;
	uint16_t max_mtu;
	uint8_t scatter;     /* frames of several buffers */
	uint8_t stamps;      /* stamps what arrives */
	uint8_t multi_tx;    /* sends frames of several buffers */
	uint8_t mac[6];
};

/* How a port is to be set up. */
struct tercel_setup {
	void *pool;
	uint16_t mtu;        /* 0: the device's own */
	uint16_t receive_slots;  /* in: asked for; out: granted */
	uint16_t transmit_slots;
	uint8_t scatter;
	uint8_t stamps;
};

struct tercel_statistics {
	uint64_t received, sent, received_bytes, sent_bytes;
	uint64_t missed;     /* no free slot */
	uint64_t no_buffer;  /* no free buffer */
	uint64_t receive_errors, transmit_errors;
};

struct tercel_link {
	uint32_t megabits;
	uint8_t up;
	uint8_t full_duplex;
};

/* Results below zero are -errno. */

int tercel_eal_init(int argc, char **argv);
int tercel_eal_cleanup(void);
const char *tercel_dpdk_version(void);
const char *tercel_dpdk_plugins(void);
const char *tercel_dpdk_runtime_folder(void);
int tercel_has_bus(const char *name);
int tercel_has_pool(const char *name);

int tercel_device_probe(const char *arguments);
int tercel_port_named(const char *name, uint16_t *port);
int tercel_port_info(uint16_t port, struct tercel_info *info);
int tercel_stamp_field(int *offset, uint64_t *flag);
int tercel_port_configure(uint16_t port, struct tercel_setup *setup);
int tercel_port_isolate(uint16_t port);
int tercel_port_start(uint16_t port);
int tercel_port_promiscuous(uint16_t port);
int tercel_port_all_multicast(uint16_t port);
int tercel_port_is_promiscuous(uint16_t port);
int tercel_port_is_all_multicast(uint16_t port);
int tercel_port_groups(uint16_t port, const uint8_t *macs, uint32_t count);
int tercel_port_flow(uint16_t port, uint32_t address, uint16_t udp_port, char *why, size_t room);
int tercel_port_link(uint16_t port, struct tercel_link *link);
int tercel_port_statistics(uint16_t port, struct tercel_statistics *statistics);
/* Stops and closes the port and takes its device away. */
int tercel_port_close(uint16_t port);

void *tercel_pool_new(const char *name, uint32_t buffers, uint16_t bytes, int numa_node, int packed,
		      int *error);
void tercel_pool_free(void *pool);
uint32_t tercel_pool_chunks(const void *pool);
uint32_t tercel_pool_available(const void *pool);

uint16_t tercel_receive(uint16_t port, struct tercel_frame *frames, uint16_t max, int offset,
			uint64_t flag);
void tercel_release(const struct tercel_frame *frames, uint16_t count);
/* All segments behind each other; the frame's length, or -1 if there is not room enough. */
int64_t tercel_gather(const void *mbuf, uint8_t *to, uint32_t room);

void *tercel_buffer(uint16_t port, void *pool, uint8_t **data, uint32_t *room);
void tercel_buffer_free(void *mbuf);
/* Whether the device took it; if not, the caller still has it. */
int tercel_send(uint16_t port, void *mbuf, uint32_t len);

#endif
