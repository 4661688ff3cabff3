/*
 * link.c - a long line: packets between two TUN devices, each held for a
 * while, some dropped.
 *
 * usage: link DELAY_MS LOSS_PER_MILLE SEED RATE_MBIT
 *
 * One device, bench0 with 10.77.0.1, is in the network name space it was
 * started in; the other, bench1 with 10.77.0.2, in a new one.  Once both are
 * up it prints the path of that name space, for nsenter --net=PATH, and
 * forwards until it is killed.  Each direction has a delay, a rate, and drops
 * by a generator of its own, so that the same seed drops the same packets.
 *
 * TCP runs through it end to end: a proxy that waits would end the
 * connections, and hide what a lost packet costs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MTU 1500
/* What is on the way one way.  A line's own buffer: 1,000 packets as Linux's
 * txqueuelen; what comes when it is full is lost, as on any line. */
#define QUEUE 4096

struct packet {
	int64_t due_ns;
	size_t n;
	unsigned char data[MTU];
};

struct direction {
	int from, to;
	uint32_t seed;
	int64_t free_ns; /* when the line has sent what it has */
	struct packet queue[QUEUE];
	size_t first, n;
};

static int64_t delay_ns, ns_per_byte_x1000;
static uint32_t loss_per_mille;
static struct direction there, back;

static void die(const char *what)
{
	fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void set_address(int fd, struct ifreq *r, unsigned long request,
			const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		die(address);
	memcpy(&r->ifr_addr, &a, sizeof(a));
	if (ioctl(fd, request, r) < 0)
		die("cannot set an address");
}

/* A TUN device in the current name space, up, with both ends' addresses. */
static int device(const char *name, const char *own, const char *other)
{
	struct ifreq r = { 0 };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || s < 0)
		die("/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	r.ifr_flags = IFF_TUN | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		die("cannot make a TUN device");
	set_address(s, &r, SIOCSIFADDR, own);
	set_address(s, &r, SIOCSIFDSTADDR, other);
	r.ifr_mtu = MTU;
	if (ioctl(s, SIOCSIFMTU, &r) < 0)
		die("cannot set the MTU");
	r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT;
	if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
		die("cannot set a device up");
	(void)close(s);
	return fd;
}

static bool is_lost(struct direction *d)
{
	/* Numerical Recipes' generator; its high bits are good enough. */
	d->seed = d->seed * 1664525 + 1013904223;
	return (d->seed >> 8) % 1000 < loss_per_mille;
}

static void take_in(struct direction *d)
{
	unsigned char lost[MTU];

	for (;;) {
		bool full = d->n == QUEUE;
		struct packet *p = &d->queue[(d->first + d->n) % QUEUE];
		unsigned char *to = full ? lost : p->data;
		ssize_t got = read(d->from, to, MTU);
		int64_t now = now_ns();

		if (got <= 0)
			return;
		if (full || is_lost(d))
			continue;
		if (d->free_ns < now)
			d->free_ns = now;
		d->free_ns += got * ns_per_byte_x1000 / 1000;
		p->n = (size_t)got;
		p->due_ns = d->free_ns + delay_ns;
		d->n++;
	}
}

static void let_out(struct direction *d)
{
	while (d->n > 0 && d->queue[d->first].due_ns <= now_ns()) {
		struct packet *p = &d->queue[d->first];

		/* A device that takes no more loses it, as a line would. */
		(void)!write(d->to, p->data, p->n);
		d->first = (d->first + 1) % QUEUE;
		d->n--;
	}
}

static int64_t next_due(void)
{
	int64_t due = INT64_MAX;

	if (there.n > 0)
		due = there.queue[there.first].due_ns;
	if (back.n > 0 && back.queue[back.first].due_ns < due)
		due = back.queue[back.first].due_ns;
	return due;
}

static void forward(void)
{
	struct pollfd fds[2] = { { .fd = there.from, .events = POLLIN },
				 { .fd = back.from, .events = POLLIN } };

	for (;;) {
		int64_t due = next_due(), now = now_ns();
		int64_t wait = due == INT64_MAX ? 1000000000
			       : due > now      ? due - now
						: 0;
		struct timespec t = { .tv_sec = wait / 1000000000,
				      .tv_nsec = wait % 1000000000 };

		if (ppoll(fds, 2, &t, NULL) < 0 && errno != EINTR)
			die("poll");
		take_in(&there);
		take_in(&back);
		let_out(&there);
		let_out(&back);
	}
}

int main(int argc, char **argv)
{
	int a, b;

	if (argc != 5) {
		fprintf(stderr, "usage: link DELAY_MS LOSS_PER_MILLE SEED "
				"RATE_MBIT\n");
		return 2;
	}
	delay_ns = strtol(argv[1], NULL, 10) * 1000000;
	loss_per_mille = (uint32_t)strtoul(argv[2], NULL, 10);
	there.seed = (uint32_t)strtoul(argv[3], NULL, 10);
	back.seed = there.seed + 1;
	ns_per_byte_x1000 = 8000000 / strtol(argv[4], NULL, 10);
	a = device("bench0", "10.77.0.1", "10.77.0.2");
	if (unshare(CLONE_NEWNET) < 0)
		die("no network name space of its own");
	b = device("bench1", "10.77.0.2", "10.77.0.1");
	there.from = back.to = a;
	there.to = back.from = b;
	printf("/proc/%ld/ns/net\n", (long)getpid());
	(void)fflush(stdout);
	forward();
}
