/*
 * loaded.c - does nothing, with the libraries that mreg loads at its start:
 * what starting costs at least.
 */
int main(void)
{
	return 0;
}
