/*
 * loaded.c - does nothing, with the libraries that mreg loads: what starting
 * costs at least.
 */
int main(void)
{
	return 0;
}
