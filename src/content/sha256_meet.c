/*
 * sha256_meet.c - threads that hash at the same moment do it together.
 *
 * A thread that arrives either leads or sits down.  A leader hashes up to four
 * threads' blocks side by side, its own among them, a slice at a time; between
 * slices it takes in who has arrived.  Whose blocks are done is woken and goes.
 * A leader goes as soon as its own are done: what it leaves unfinished goes
 * back to the head of the queue, and the first there is told to lead.
 *
 * Invariants
 * 1. Everything in `meeting` and in seats is used under its lock, but for a
 *    lane between two locks of the leader that took it in.
 * 2. While anybody waits somebody leads, or has been told to: who arrives
 *    where nobody leads leads, and who stops leading where nobody else leads
 *    tells the next.
 * 3. A leader waits for nothing but the lock.  So everybody's wait ends.
 * 4. Seats are on their threads' stacks: nothing is allocated.
 *
 * The meeting is the one thing in this library that threads share without
 * having been handed it.  It holds nothing while nobody hashes, so two users of
 * the library in one process cannot tell that there is only one.
 */
#include "content/sha256.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

/*
 * A second leader begins only when the first has no lane left.  On an idle
 * machine a second one would hash earlier, but each with few lanes: four
 * streams cost 0.33 CPU seconds a GB together and 0.41 to 0.48 in two groups,
 * and a transfer on two cores, the registry beside it, is short of CPU.
 */
#define LEADERS_MAX 2u
/*
 * Who leads nobody lets other threads run before each slice, so that they come
 * and bring their blocks: on two cores that a registry shares, threads that
 * are ready to hash mostly wait for a core, and half of all bytes would be
 * hashed alone.  It saves a third of what hashing four streams costs.  Who met
 * nobody at so many arrivals (64 MiB and more) is taken to be the only one.
 */
#define ALONE_MAX 64u
/* 64 KiB of each stream: about 80 us of four. */
#define SLICE_BLOCKS ((64u << 10) / MR_SHA256_BLOCK_BYTES)

struct seat {
	struct mr_sha256_lane *lane; /* borrowed */
	struct seat *next;           /* in the queue */
	sem_t wake;                  /* posted once */
	bool done;                   /* when woken; else it is to lead */
};

static struct {
	pthread_mutex_t lock;
	struct seat *first; /* who waits, in order of arrival; not led by now */
	unsigned int leaders;
	unsigned int present; /* leaders and all others */
	unsigned int alone;   /* arrivals in a row that met nobody */
} meeting = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void sit_last(struct seat *s)
{
	struct seat **at = &meeting.first;

	while (*at)
		at = &(*at)->next;
	s->next = NULL;
	*at = s;
}

static void sit_first(struct seat *s)
{
	s->next = meeting.first;
	meeting.first = s;
}

static struct seat *stand_up(void)
{
	struct seat *s = meeting.first;

	meeting.first = s->next;
	return s;
}

static bool leader_wanted(void)
{
	return meeting.leaders < LEADERS_MAX &&
	       meeting.present > MR_SHA256_LANES_MAX * meeting.leaders;
}

/* Without the lock: the next slice of all of them. */
static void work(struct seat *const *led, size_t n)
{
	struct mr_sha256_lane *lanes[MR_SHA256_LANES_MAX];
	size_t blocks = SLICE_BLOCKS;
	size_t i;

	for (i = 0; i < n; i++) {
		lanes[i] = led[i]->lane;
		if (lanes[i]->blocks < blocks)
			blocks = lanes[i]->blocks;
	}
	mr_sha256_lanes(lanes, n, blocks);
}

/* Under the lock: wake who is done but for the first, which is the leader
 * itself.  How many are left.  Who is woken does not come back for the lock;
 * its seat is gone at once. */
static size_t dismiss(struct seat **led, size_t n)
{
	size_t i, left = 1;

	for (i = 1; i < n; i++) {
		if (led[i]->lane->blocks > 0) {
			led[left++] = led[i];
			continue;
		}
		meeting.present--;
		led[i]->done = true;
		(void)sem_post(&led[i]->wake);
	}
	return left;
}

/* Under the lock, which is given up meanwhile. */
static void lead(struct seat *me)
{
	struct seat *led[MR_SHA256_LANES_MAX] = { me };
	size_t n = 1;
	bool give_way;

	while (me->lane->blocks > 0) {
		while (n < MR_SHA256_LANES_MAX && meeting.first)
			led[n++] = stand_up();
		give_way = n == 1 && meeting.alone < ALONE_MAX;
		(void)pthread_mutex_unlock(&meeting.lock);
		if (give_way)
			(void)sched_yield();
		work(led, n);
		(void)pthread_mutex_lock(&meeting.lock);
		n = dismiss(led, n);
	}
	while (n > 1)
		sit_first(led[--n]);
}

/* Under the lock: this leader goes.  Who is to lead in its place, or NULL. */
static struct seat *hand_over(void)
{
	meeting.leaders--;
	meeting.present--;
	if (!meeting.first || !leader_wanted())
		return NULL;
	meeting.leaders++;
	return stand_up();
}

/* Under the lock, which it releases. */
static void lead_and_go(struct seat *me)
{
	struct seat *next;

	lead(me);
	next = hand_over();
	(void)pthread_mutex_unlock(&meeting.lock);
	if (next)
		(void)sem_post(&next->wake);
}

void mr_sha256_meet(struct mr_sha256_lane *lane)
{
	struct seat me = { .lane = lane };

	(void)pthread_mutex_lock(&meeting.lock);
	meeting.alone = meeting.present > 0 ? 0 : meeting.alone + 1;
	meeting.present++;
	if (leader_wanted()) {
		meeting.leaders++;
		lead_and_go(&me);
		return;
	}
	(void)sem_init(&me.wake, 0, 0); /* cannot fail: 0 is no large value */
	sit_last(&me);
	(void)pthread_mutex_unlock(&meeting.lock);
	while (sem_wait(&me.wake) < 0 && errno == EINTR)
		;
	if (!me.done) {
		(void)pthread_mutex_lock(&meeting.lock);
		lead_and_go(&me);
	}
	(void)sem_destroy(&me.wake);
}
